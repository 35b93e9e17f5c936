"""The desk and its local AWS in containers: what docker-compose.yml runs beside the desk's own processes."""
