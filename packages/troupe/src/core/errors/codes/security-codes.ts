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
    hint: 'Verify it with verifyAudit and its checkpoints; what it finds was changed past Troupe.',
  },
  'audit.undelivered': {
    class: errors.ExternalServiceError,
    message: 'A checkpoint of the audit log was answered with {status}.',
    hint: 'See what audit.checkpoints.to answers; the next checkpoint covers what this one did.',
  },
  'audit.unknown': {
    class: errors.NotFoundError,
    message: 'The audit log has no record {record}.',
    hint: 'Ids of records come from audit.list; those whose retention is over keep their place, others never had one.',
  },
  'egress.denied': {
    class: errors.AccessDeniedError,
    message: 'Nothing goes out to {host}: {problem}.',
    hint: 'Name the host in egress.allow, with a port that is not usual, or the address in egress.privateAddresses, if it is to be reached.',
  },
  'egress.too_large': {
    class: errors.ProcessingError,
    message: 'The answer of {host} is longer than {limit} bytes.',
    hint: 'Ask for less, or raise egress.maxBytes.',
  },
  'encryption.changing': {
    class: errors.ConflictError,
    message: 'The keys of the user {user} change faster than this change could be committed.',
    hint: 'Try again.',
    retryable: true,
  },
  'encryption.damaged': {
    class: errors.ProcessingError,
    message: 'A stored value ({kind} of {location}) does not open: {problem}.',
    hint: 'Restore this row from a backup. Values of others are not affected.',
  },
  'encryption.key_missing': {
    class: errors.ValidationError,
    message: 'The key {id} is needed to open what is stored, and is not in the key ring.',
    hint: 'Add it to encryption.keys. A key may go once encryption.rotate() has ended with another one as current.',
  },
  'encryption.key_wrong': {
    class: errors.ValidationError,
    message: 'The key {id} of the key ring is not the one that this database was sealed with.',
    hint: 'Give the id its own key again; another key needs another id.',
  },
  'encryption.required': {
    class: errors.ValidationError,
    message: '{what} needs encryption: {problem}.',
    hint: 'Give createTroupe the key ring: encryption: { keys: [{ id, key }], current: id }.',
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
    message: 'A message that says it is from {agent} is not signed.',
    hint: 'The sender has no signatures configured, or wrote it past Troupe.',
  },
  'signature.invalid': {
    class: errors.AccessDeniedError,
    message: 'The signature of a message that says it is from {agent} is not one of its keys, or not of this message.',
    hint: 'Give this process the key that the sender signs with; if it has it, the message was forged.',
  },
  'signature.expired': {
    class: errors.AccessDeniedError,
    message:
      'A message that says it is from {agent} was signed too long before it came in, or after its key had ended.',
    hint: 'Set the clocks of all processes by one server. If they are, the message was sent again.',
  },
  'signature.revoked': {
    class: errors.AccessDeniedError,
    message: 'A message that says it is from {agent} is signed with a key that is revoked.',
    hint: 'Give the sender another key, and let it send again what was right.',
  },
  'signature.replayed': {
    class: errors.AccessDeniedError,
    message: 'A message that says it is from {agent} came a second time after it was acknowledged.',
    hint: 'Find out who can write to the database besides Troupe.',
  },
  'taint.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action}: it holds {joined}, and this would reach outside.',
    hint: 'Let a person approve it (policy.taint: approve), keep the two apart, or vouch for it with ctx.declassify.',
  },
  'policy.denied': {
    class: errors.AccessDeniedError,
    message: 'The agent {agent} may not {action} with these arguments: {rule}.',
    hint: 'Give the call other arguments, or change the rule of the policy.',
  },
  'taint.misplaced': {
    class: errors.ValidationError,
    message: '{agent} cannot vouch for what its model was told: {problem}.',
    hint: 'Call ctx.declassify in a function agent or a worker that the value goes through.',
  },
  'schema.rejected': {
    class: errors.ValidationError,
    message: 'The schema of {source} cannot be used: {problem}.',
    hint: 'Simplify the schema: no nested repetition in a pattern, and fewer alternatives.',
  },
  'user.forgotten': {
    class: errors.NotFoundError,
    message: 'What there was of the user {user} is forgotten.',
    hint: 'It can not be had again. What is done under this id now is a new user.',
    status: 410,
  },
  'secret.missing': {
    class: errors.NotFoundError,
    message: 'The secret {name} is in none of the sources.',
    hint: 'Set it where createTroupe looks: its option secrets, by default the environment.',
    status: 500,
  },
  'secret.failed': {
    class: errors.ExternalServiceError,
    message: 'The secret {name} could not be had: {problem}.',
    hint: 'Look at the source of secrets; what serves already serves until it expires.',
  },
} as const satisfies Record<string, CatalogueEntry>
