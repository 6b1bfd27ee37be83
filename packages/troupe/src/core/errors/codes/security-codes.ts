/** Codes of roles and rights. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const securityCodes = {
  'access.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action}.',
    hint: 'Give it a role or grant that allows this, or let another agent do it.',
  },
  'audit.broken': {
    class: errors.ProcessingError,
    message: 'The audit log is damaged: {problem}.',
    hint: 'Verify the log with verifyAudit and its checkpoints. Its findings were not changed by Troupe.',
  },
  'audit.undelivered': {
    class: errors.ExternalServiceError,
    message: 'The recipient of an audit checkpoint returned the status {status}.',
    hint: 'Check audit.checkpoints.to. The next checkpoint also covers the records of this one.',
  },
  'audit.unknown': {
    class: errors.NotFoundError,
    message: 'The audit log has no record {record}.',
    hint: 'Use an id from audit.list.',
  },
  'egress.denied': {
    class: errors.AccessDeniedError,
    message: 'Connections to {host} are not allowed: {problem}.',
    hint: 'To allow it, add the host to egress.allow, with its port if it is not the default, or the address to egress.privateAddresses.',
  },
  'egress.too_large': {
    class: errors.ProcessingError,
    message: 'The answer of {host} is longer than {limit} bytes.',
    hint: 'Request less, or raise egress.maxBytes.',
  },
  'encryption.changing': {
    class: errors.ConflictError,
    message: 'The keys of the user {user} changed repeatedly during this commit.',
    hint: 'Try again.',
    retryable: true,
  },
  'encryption.damaged': {
    class: errors.ProcessingError,
    message: 'A stored value ({kind} of {location}) cannot be decrypted: {problem}.',
    hint: 'Restore this row from a backup. Other values are not affected.',
  },
  'encryption.key_missing': {
    class: errors.ValidationError,
    message: 'The key {id} is needed to decrypt stored data, and is not in the key ring.',
    hint: 'Add it to encryption.keys. Remove a key only after encryption.rotate() has ended with another current key.',
  },
  'encryption.key_wrong': {
    class: errors.ValidationError,
    message: 'The key {id} of the key ring is not the one with which this database was encrypted.',
    hint: 'Restore the original key of this id. Another key needs another id.',
  },
  'encryption.required': {
    class: errors.ValidationError,
    message: '{what} needs encryption: {problem}.',
    hint: 'Configure the key ring: encryption: { keys: [{ id, key }], current: id }.',
  },
  'role.unknown': {
    class: errors.ValidationError,
    message: 'There is no role {role}{of}.',
    hint: 'Use one of {known}.',
  },
  'signature.no_key': {
    class: errors.AccessDeniedError,
    message: 'There is no key to sign as {agent}, and unsigned messages are rejected.',
    hint: 'Add a key of this agent, or one without agent, to messaging.signatures.keys.',
  },
  'signature.missing': {
    class: errors.AccessDeniedError,
    message: 'A message in the name of {agent} is not signed.',
    hint: 'Configure signatures for the sender. A message that Troupe did not send is a forgery.',
  },
  'signature.invalid': {
    class: errors.AccessDeniedError,
    message:
      'The signature of a message in the name of {agent} was not made with its keys, or belongs to another message.',
    hint: 'Give this process the key of the sender. If it has the key, the message was forged.',
  },
  'signature.expired': {
    class: errors.AccessDeniedError,
    message:
      'A message in the name of {agent} was signed too long before its acceptance, or after its key had expired.',
    hint: 'Synchronise the clocks of all processes. If they are synchronised, the message was replayed.',
  },
  'signature.revoked': {
    class: errors.AccessDeniedError,
    message: 'A message in the name of {agent} is signed with a revoked key.',
    hint: 'Give the sender another key, and send the valid messages again.',
  },
  'signature.replayed': {
    class: errors.AccessDeniedError,
    message: 'A message in the name of {agent} arrived again after it was acknowledged.',
    hint: 'Find out which other programs can write to the database.',
  },
  'taint.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action}: its data carries {joined}, and this action would send data outside.',
    hint: 'Let a person approve it (policy.taint: approve), separate the two agents, name the labels of the data where it is written (taint: []), or remove them with ctx.declassify.',
  },
  'policy.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} with these arguments: {rule}.',
    hint: 'Give the call other arguments, or change the rule of the policy.',
  },
  'taint.misplaced': {
    class: errors.ValidationError,
    message: '{agent} cannot declassify the input of its model: {problem}.',
    hint: 'Call ctx.declassify in a function agent or worker that handles the value.',
  },
  'schema.rejected': {
    class: errors.ValidationError,
    message: 'The schema of {source} cannot be used: {problem}.',
    hint: 'Simplify the schema: no nested repetition in a pattern, and fewer alternatives.',
  },
  'user.forgotten': {
    class: errors.NotFoundError,
    message: 'The data of the user {user} was erased.',
    hint: 'The data cannot be restored. This id now is a new user.',
    status: 410,
  },
  'secret.missing': {
    class: errors.NotFoundError,
    message: 'No source has the secret {name}.',
    hint: 'Add it to a source of the option secrets, by default the environment.',
    status: 500,
  },
  'secret.failed': {
    class: errors.ExternalServiceError,
    message: 'The secret {name} could not be read: {problem}.',
    hint: 'Check the source of secrets. Cached values are used until they expire.',
  },
} as const satisfies Record<string, CatalogueEntry>
