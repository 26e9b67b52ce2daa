"""Requests to every route of running services, made from their OpenAPI documents."""
