"""An account in the cloud: what is applied there, what exists there, who reaches what, and what it costs."""
