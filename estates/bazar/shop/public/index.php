<?php
// The one way in: nginx hands every request to this file.

declare(strict_types=1);

require __DIR__ . '/../src/outside.php';
require __DIR__ . '/../src/figures.php';
require __DIR__ . '/../src/shop.php';

$path = (string) parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH);
// from when nginx had the request: waiting for a free process counts
$began = (float) ($_SERVER['REQUEST_BEGAN'] ?? microtime(true));
header('Content-Type: ' . ($path === '/metrics' ? 'text/plain' : 'application/json'));
try {
    if (getenv('BROKEN') === 'yes' && $path !== '/metrics') {
        throw new RuntimeException('Call to undefined method Cart::total()');
    }
    [$status, $said] = Shop::answer($_SERVER['REQUEST_METHOD'] ?? 'GET', $path);
} catch (Throwable $wrong) {
    error_log('ERROR ' . $path . ' ' . $wrong->getMessage());
    [$status, $said] = [$wrong instanceof PDOException ? 503 : 500, json_encode(['error' => 'something went wrong'])];
}
http_response_code($status);
header('X-Release: ' . getenv('RELEASE'));
echo $said;
fastcgi_finish_request();
if ($path !== '/metrics') {
    Figures::count($status, microtime(true) - $began);
}
