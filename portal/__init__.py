"""The Django project and the face of the desk."""
