<?php
// What the shop needs of others: its database, the cache, the queue, the search and the payment gateway. Each is opened when it
// is first asked for. Only the database is indispensable; without any of the others the shop goes on, slower or later.

declare(strict_types=1);

final class Outside
{
    private static ?PDO $database = null;
    private static ?Redis $queue = null;
    private static RedisCluster|false|null $cache = null;

    public static function setting(string $name): string
    {
        $value = getenv($name);
        if ($value === false || $value === '') {
            throw new RuntimeException("The environment variable $name is missing.");
        }
        return $value;
    }

    public static function database(): PDO
    {
        if (self::$database === null) {
            $address = sprintf('mysql:host=%s;dbname=%s;charset=utf8mb4', self::setting('DB_HOST'), self::setting('DB_NAME'));
            $options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC, PDO::ATTR_TIMEOUT => 2];
            self::$database = new PDO($address, 'bazar', self::setting('DB_PASSWORD'), $options);
        }
        return self::$database;
    }

    /** @param list<mixed> $values */
    public static function ask(string $sql, array $values = []): PDOStatement
    {
        $statement = self::database()->prepare($sql);
        $statement->execute($values);
        return $statement;
    }

    public static function forget(): void
    {
        self::$database = null;
        self::$queue = null;
    }

    public static function queue(): Redis
    {
        if (self::$queue === null) {
            $queue = new Redis();
            $queue->connect(self::setting('QUEUE_HOST'), 6379, 1.0);
            $queue->setOption(Redis::OPT_READ_TIMEOUT, 8);
            self::$queue = $queue;
        }
        return self::$queue;
    }

    /** Gives what is cached under a key, or makes it and keeps it for some seconds. */
    public static function cached(string $key, int $seconds, callable $make): string
    {
        $cache = self::cache();
        try {
            $found = $cache ? $cache->get("cache:$key") : false;
            if (is_string($found)) {
                return $found;
            }
        } catch (Throwable) {
            $cache = false;
        }
        $made = $make();
        try {
            $cache && $cache->setex("cache:$key", $seconds, $made);
        } catch (Throwable) {
            // the page is there all the same
        }
        return $made;
    }

    private static function cache(): RedisCluster|false
    {
        if (self::$cache === null) {
            try {
                self::$cache = new RedisCluster(null, explode(',', self::setting('CACHE_NODES')), 0.5, 0.5);
            } catch (Throwable) {
                self::$cache = false;
            }
        }
        return self::$cache;
    }

    /** @return list<array<string, mixed>> the articles that a search finds, by any node that answers */
    public static function search(string $words): array
    {
        foreach (explode(',', self::setting('SEARCH_NODES')) as $node) {
            [$status, $told] = self::call('POST', "$node/articles/_search", json_encode(['query' => ['match' => ['title' => $words]]]), 2);
            if ($status === 200) {
                return array_map(fn (array $hit): array => $hit['_source'], json_decode($told, true)['hits']['hits']);
            }
        }
        throw new RuntimeException('No search node answers.');
    }

    /**
     * @param list<string> $headers
     * @return array{int, string} status, 0 where nobody answered, and body
     */
    public static function call(string $method, string $url, string $body, int $seconds, array $headers = ['Content-Type: application/json']): array
    {
        $line = curl_init($url);
        curl_setopt_array($line, [
            CURLOPT_CUSTOMREQUEST => $method, CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => $seconds, CURLOPT_CONNECTTIMEOUT => 1,
        ]);
        $told = curl_exec($line);
        return [(int) curl_getinfo($line, CURLINFO_RESPONSE_CODE), (string) $told];
    }
}
