"""What anybody may ask without signing in, and why. Every other route carries a rule, or the house does not open."""

from fastapi import FastAPI

from services.web.access import without_rule

PUBLIC = {
    "/": "the front page tells what this is",
    "/home.css": "belongs to the front page",
    "/docs": "the documentation of the routes holds nothing of the installation",
    "/openapi.json": "the same for programs",
    "/swagger/swagger-ui-bundle.js": "belongs to the documentation",
    "/swagger/swagger-ui.css": "belongs to the documentation",
    "/swagger/favicon-32x32.png": "belongs to the documentation",
    "/healthz": "for load balancers",
    "/readyz": "for load balancers; parts and remedies, and details to this machine only",
    "/health": "for load balancers",
    "/metrics": "has a guard of its own: this machine, or its token",
    "/setup": "the page for links; the token in the link is what counts",
    "/setup.css": "belongs to the page for links",
    "/setup.js": "belongs to the page for links",
    "/admin/auth/login": "this is the way in",
    "/admin/auth/refresh": "has a guard of its own: the cookie, and where the request comes from",
    "/auth/accept-invitation": "has a guard of its own: the token of the link",
    "/auth/reset-password": "has a guard of its own: the token of the link",
    "/webhooks/{service}/{instance}": "has a guard of its own: the signature",
    "/legal/{company_id}/{kind}": "published texts are for everybody",
}


def expect_rules(app: FastAPI) -> None:
    """Raise RuntimeError when a route has no rule and is not public on purpose: a mistake in this program."""
    if forgotten := without_rule(app, PUBLIC):
        raise RuntimeError(f"These routes carry no rule: {', '.join(forgotten)}.")
