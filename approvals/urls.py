from django.urls import include, path, re_path

from approvals.views import doctor, lists, operations, request

urlpatterns = [
    path("", lists.home, name="home"),
    path("desk/", lists.desk, name="desk"),
    path("desk/live/", lists.desk_live, name="desk_live"),
    path("requests/", lists.requests, name="requests"),
    path("requests/<uuid:uuid>/", request.page, name="request"),
    path("requests/<uuid:uuid>/live/", request.page_live, name="request_live"),
    path("requests/<uuid:uuid>/<slug:verb>/", request.act, name="request_act"),
    re_path(r"^f/(?P<fingerprint>[0-9a-f]{64})/$", request.by_fingerprint, name="by_fingerprint"),
    path("operations/", operations.page, name="operations"),
    path("operations/doctor/", doctor.page, name="doctor"),
    path("operations/doctor/live/", doctor.page_live, name="doctor_live"),
    path("operations/doctor/run/", doctor.run, name="doctor_run"),
    path("operations/<slug:thing>/<int:pk>/<slug:verb>/", operations.act, name="operations_act"),
    path("intake/", include("approvals.intake.urls")),
]
