"""What is kept: the database, its migrations and one repository per kind of record.

Every repository takes the company first, so that one company's rows can never be asked for by accident by another.
"""
