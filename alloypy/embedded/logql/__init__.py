"""LogQL as Alloy's pipelines read it."""
