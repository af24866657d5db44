"""The sending side: connections, credentials, proxies, redirects."""
