"""One file per service that may send something in; each exports SERVICE, see api.webhooks.shapes.WebhookService."""
