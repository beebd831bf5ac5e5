"""What other programs send in: POST /webhooks/{service}/{instance}."""
