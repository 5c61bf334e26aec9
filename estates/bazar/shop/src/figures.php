<?php
// What is counted of each request, kept in the queue's Redis so that all instances count together, and told as Prometheus reads it.

declare(strict_types=1);

final class Figures
{
    private const LIMITS = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];

    public static function count(int $status, float $seconds): void
    {
        try {
            $counting = Outside::queue()->pipeline();
            $counting->hIncrBy('figures', "status:$status", 1);
            $counting->hIncrByFloat('figures', 'seconds', $seconds);
            foreach (self::LIMITS as $limit) {
                if ($seconds <= $limit) {
                    $counting->hIncrBy('figures', "le:$limit", 1);
                }
            }
            $counting->exec();
        } catch (Throwable) {
            // a request is answered whether it can be counted or not
        }
    }

    public static function page(): string
    {
        $found = Outside::queue()->hGetAll('figures') ?: [];
        $lines = ['# TYPE http_requests_total counter'];
        $total = 0;
        foreach ($found as $name => $value) {
            if (str_starts_with((string) $name, 'status:')) {
                $total += (int) $value;
                $lines[] = sprintf('http_requests_total{code="%s"} %d', substr($name, 7), $value);
            }
        }
        $lines[] = '# TYPE response_time_seconds histogram';
        foreach (self::LIMITS as $limit) {
            $lines[] = sprintf('response_time_seconds_bucket{le="%s"} %d', $limit, $found["le:$limit"] ?? 0);
        }
        $lines[] = sprintf('response_time_seconds_bucket{le="+Inf"} %d', $total);
        $lines[] = sprintf('response_time_seconds_sum %F', $found['seconds'] ?? 0);
        $lines[] = "response_time_seconds_count $total";
        $lines[] = "# TYPE memory_usage_bytes gauge\nmemory_usage_bytes " . memory_get_usage(true);
        $lines[] = "# TYPE queue_jobs gauge\nqueue_jobs " . (int) Outside::queue()->lLen('jobs');
        $active = Outside::ask('SELECT count(DISTINCT user_id) FROM sessions WHERE seen_at > now() - INTERVAL 15 MINUTE')->fetchColumn();
        $lines[] = "# TYPE active_users gauge\nactive_users $active";
        return implode("\n", $lines) . "\n";
    }
}
