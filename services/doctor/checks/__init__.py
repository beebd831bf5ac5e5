"""The checks: each module defines `check`, see services.doctor.shapes."""
