<?php
// Asks this container's own PHP-FPM whether it answers, by FastCGI itself: one record to begin, its words, an empty body.
$line = @stream_socket_client('tcp://127.0.0.1:9000', $number, $text, 2);
if ($line === false) {
    exit(1);
}
stream_set_timeout($line, 2);
$record = fn (int $kind, string $said): string => pack('CCnnCC', 1, $kind, 1, strlen($said), 0, 0) . $said;
$words = '';
foreach (['SCRIPT_NAME' => '/fpm-ping', 'SCRIPT_FILENAME' => '/fpm-ping', 'REQUEST_METHOD' => 'GET'] as $name => $value) {
    $words .= chr(strlen($name)) . chr(strlen($value)) . $name . $value;
}
fwrite($line, $record(1, pack('nC6', 1, 0, 0, 0, 0, 0, 0)) . $record(4, $words) . $record(4, '') . $record(5, ''));
exit(str_contains((string) fread($line, 4096), 'pong') ? 0 : 1);
