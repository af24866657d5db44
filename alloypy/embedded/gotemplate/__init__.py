"""Go's text/template: reads templates as Go parses them, without executing them."""
