"""A chain of vets, used by tests of every room: one policy and one directory that hold a bit of everything."""

POLICY = """
policy clinic "Paws & Co"
scope company
scope branch in company

area patients "Patients" {
  resource record {
    vet: user
    status: "open" | "closed"
    note: string?
    actions read, update, delete, sign
  }
}
area money "Money" {
  resource invoice { owner: user  amount: int  actions read, refund }
}
context { hour: int }
condition treats "the vet in charge" = resource.vet == user.id

locked role owner "Owner" { allow * on * }
role viewer "Viewer" { in patients { allow read on * because "the waiting room sees the list" } }
role vet "Veterinarian" includes viewer {
  in patients {
    allow sign on record when treats and resource.status == "open"
    allow update on record when treats
    deny delete on record
  }
  in money { allow refund on invoice when resource.amount <= 500 and
    context.hour < 20 }
}
assignments { individual over group }
guard last_owner: at least 1 active owner
guard two_owners: at most 2 owner
guard duties: never vet with owner
"""

DIRECTORY = """
scopes: {branch/north: {}, branch/south: {}}
users:
  ann: {}
  bob: {assignments: [{role: vet, scope: branch/north}]}
  cyd: {status: pending, assignments: [{role: vet, scope: branch/north}]}
  eve: {assignments: [{role: viewer, scope: branch/north}]}
  olga: {assignments: [{role: owner}]}
groups:
  desk: {members: [ann], assignments: [{role: vet}]}
  north: {members: [eve], assignments: [{role: vet, scope: branch/north}]}
"""
