"""What the API tells programs of itself: an OpenAPI document. It is not served; nothing is open without need."""
