"""What each section of the report shows, as data: calculated here, only presented by the templates."""
