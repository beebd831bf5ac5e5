"""The mobile network: carries calls, and what the module prints of them."""
