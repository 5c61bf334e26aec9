<?php
// Asks for /health of this container's code itself, without a web server: status 0 where it is well.
$_SERVER['REQUEST_URI'] = '/health';
$_SERVER['REQUEST_METHOD'] = 'GET';
function fastcgi_finish_request(): void
{
    global $status;
    exit($status === 200 ? 0 : 1);
}
require __DIR__ . '/public/index.php';
