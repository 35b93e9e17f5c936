from django.urls import path

from approvals.intake import views

urlpatterns = [path("sns/", views.receive, name="intake_sns")]
