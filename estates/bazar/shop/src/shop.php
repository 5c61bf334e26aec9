<?php
// What customers can do. Each answers with a status and a text; an order is acknowledged once the database has it for good.

declare(strict_types=1);

final class Shop
{
    /** @return array{int, string} */
    public static function answer(string $method, string $path): array
    {
        $parts = explode('/', trim($path, '/'));
        return match (true) {
            $path === '/health' => self::health(),
            $path === '/' || $path === '/articles' => self::articles(),
            $parts[0] === 'articles' && isset($parts[1]) => self::article((int) $parts[1]),
            $path === '/report' => self::report(),
            $path === '/search' => self::search((string) ($_GET['q'] ?? '')),
            $path === '/login' && $method === 'POST' => self::login(),
            $path === '/orders' && $method === 'POST' => self::order(),
            $parts[0] === 'orders' && isset($parts[1]) => self::ordered($parts[1]),
            $path === '/webhooks/payments' && $method === 'POST' => self::paid(),
            $path === '/metrics' => [200, Figures::page()],
            default => [404, '{"error": "not found"}'],
        };
    }

    private static function health(): array
    {
        Outside::setting('WEBHOOK_SECRET');
        $count = Outside::ask('SELECT count(*) FROM categories')->fetchColumn();
        return $count > 0 ? [200, '{"status": "ok", "release": "' . getenv('RELEASE') . '"}'] : [503, '{"status": "no categories"}'];
    }

    private static function articles(): array
    {
        $make = fn (): string => json_encode(Outside::ask('SELECT id, title, cents FROM articles ORDER BY id LIMIT 50')->fetchAll());
        return [200, Outside::cached('articles', 10, $make)];
    }

    private static function article(int $id): array
    {
        $make = fn (): string => json_encode(Outside::ask('SELECT id, title, cents FROM articles WHERE id = ?', [$id])->fetch());
        $found = Outside::cached("article:$id", 30, $make);
        return $found === 'false' ? [404, '{"error": "no such article"}'] : [200, $found];
    }

    private static function search(string $words): array
    {
        try {
            return [200, json_encode(Outside::search($words))];
        } catch (RuntimeException) {
            // slower, and without ranking
            $found = Outside::ask('SELECT id, title, cents FROM articles WHERE title LIKE ? LIMIT 10', ["%$words%"])->fetchAll();
            return [200, json_encode($found)];
        }
    }

    /** What sold best: a page that takes its time, since the database does. */
    private static function report(): array
    {
        $sql = 'SELECT article_id, count(*) AS sold, SLEEP(0.4) AS took FROM (SELECT article_id FROM orders ORDER BY id DESC LIMIT 1) AS last GROUP BY article_id';
        return [200, json_encode(Outside::ask($sql)->fetchAll())];
    }

    private static function login(): array
    {
        $email = (string) (json_decode((string) file_get_contents('php://input'), true)['email'] ?? '');
        if (!filter_var($email, FILTER_VALIDATE_EMAIL)) {
            return [400, '{"error": "that is no address"}'];
        }
        Outside::ask('INSERT IGNORE INTO users (email) VALUES (?)', [$email]);
        $token = bin2hex(random_bytes(16));
        Outside::ask('INSERT INTO sessions (token, user_id) SELECT ?, id FROM users WHERE email = ?', [$token, $email]);
        return [200, json_encode(['token' => $token])];
    }

    private static function order(): array
    {
        $user = Outside::ask('SELECT user_id FROM sessions WHERE token = ?', [$_SERVER['HTTP_X_SESSION'] ?? ''])->fetchColumn();
        if ($user === false) {
            return [401, '{"error": "log in first"}'];
        }
        $asked = json_decode((string) file_get_contents('php://input'), true);
        // the customer's own key: sent again, the order is the same
        $key = md5((string) ($asked['key'] ?? random_bytes(16)));
        $values = [$user, $key, (int) ($asked['article'] ?? 1)];
        Outside::ask('INSERT IGNORE INTO orders (user_id, wanted_by, article_id, cents) SELECT ?, ?, id, cents FROM articles WHERE id = ?', $values);
        $id = (int) Outside::ask('SELECT id FROM orders WHERE wanted_by = ?', [$key])->fetchColumn();
        try {
            Outside::queue()->lPush('jobs', json_encode(['order' => $id]));
        } catch (Throwable) {
            // workers look through orders that nobody queued
        }
        return $id > 0 ? [201, json_encode(['order' => $id, 'key' => $key])] : [404, '{"error": "no such article"}'];
    }

    private static function ordered(string $key): array
    {
        $found = Outside::ask('SELECT id, status, cents FROM orders WHERE wanted_by = ? OR id = ?', [$key, (int) $key])->fetch();
        return $found ? [200, json_encode($found)] : [404, '{"error": "no such order"}'];
    }

    private static function paid(): array
    {
        $body = (string) file_get_contents('php://input');
        $wanted = hash_hmac('sha256', $body, Outside::setting('WEBHOOK_SECRET'));
        if (!hash_equals($wanted, (string) ($_SERVER['HTTP_X_RAZORPAY_SIGNATURE'] ?? ''))) {
            error_log('WARNING a payment webhook has a bad signature');
            return [400, '{"error": "bad signature"}'];
        }
        $payment = json_decode($body, true)['payload']['payment']['entity'];
        $status = $payment['status'] === 'captured' ? 'paid' : 'refused';
        Outside::ask('UPDATE orders SET status = ?, payment_id = ? WHERE id = ?', [$status, $payment['id'], (int) $payment['notes']['order']]);
        return [200, '{"status": "ok"}'];
    }
}
