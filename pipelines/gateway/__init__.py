"""The catalog gateway: what stands before the Nessie that tenants share.

Nessie's rules see names only, so a client that may write its own table can point it at another's
files. The gateway takes the tenant from the verified token, passes an allow-list of calls, and
rebuilds each from the parts that it has checked: nothing that it did not understand goes on.
"""
