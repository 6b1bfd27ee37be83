/**
 * The built-in checks of the doctor: what is true if each passes, and what it checks. docs/doctor.md is written from
 * it; the checks are in `checks/`, under the same ids.
 */

/**
 * The input of a check: the configuration alone, an open troupe, the folder of a project, or only the attestation of a
 * person.
 */
type DoctorArea = 'configuration' | 'system' | 'project' | 'word'

/** `high` if data is lost or exposed, or work stops; `low` for a habit, or a review by a person. */
export type DoctorSeverity = 'high' | 'medium' | 'low'

/**
 * The subject of the check, the severity if it does not pass, and what is true if it passes. An attestation in
 * `doctor.attest` also passes a check that is `attested`; it is the only way for a check about `word`.
 */
type DoctorRow = readonly [about: DoctorArea, severity: DoctorSeverity, description: string, attested?: 'attested']

export const doctorCatalogue = {
  'troupe.opens': ['configuration', 'high', 'The troupe opens.'],
  'configuration.valid': ['configuration', 'high', 'Every setting is known and has a valid value.'],
  'configuration.safe': ['configuration', 'medium', 'No setting is rejected in production.'],
  'configuration.external': ['configuration', 'medium', 'Values that differ between deployments are not in code.'],
  'profile.production': [
    'configuration',
    'medium',
    'The profile is production, if the checks are made for production.',
  ],
  'node.version': ['configuration', 'medium', 'Node is a long-term support release.'],
  'memory.limited': ['configuration', 'medium', 'The memory of the process is limited.'],
  'shutdown.graceful': ['configuration', 'medium', 'The process drains before it ends, and in time.'],
  'sandbox.engines': ['configuration', 'medium', 'The engines of the sandbox can execute code on this host.'],
  'clock.agrees': ['system', 'high', 'The clock agrees with that of the storage, and has never gone back.'],

  'storage.durable': ['configuration', 'high', 'State outlives the process.'],
  'storage.migrated': ['configuration', 'high', 'Every migration is applied, and every table exists.'],
  'storage.shared': ['configuration', 'medium', 'Several processes can share the storage.'],
  'storage.pool': ['system', 'medium', 'Connections are pooled, and the server accepts all of them.'],
  'storage.isolation': ['system', 'high', 'No user can see data of another.'],
  'storage.role': ['system', 'medium', 'The database role cannot read the data of all users.'],
  'storage.listen': ['system', 'medium', 'Processes notify each other at once.'],
  'storage.space': ['system', 'high', 'The disk of the storage has free space.', 'attested'],
  'storage.size': ['system', 'low', 'The data is small enough for one database, or partitioned.', 'attested'],
  'storage.indexes': ['system', 'medium', 'Every index of the tables exists.'],
  'storage.backup': ['configuration', 'high', 'The newest backup is recent enough.', 'attested'],
  'versions.fit': ['system', 'high', 'The runs in progress match the present code.'],

  'users.required': [
    'configuration',
    'high',
    'Every call names its user, so that callers do not share data by accident.',
  ],
  'encryption.rest': ['system', 'medium', 'Stored content is encrypted.'],
  'encryption.transit': ['configuration', 'high', 'Data is encrypted in transit.'],
  'audit.log': ['configuration', 'medium', 'Operations are recorded with their actor, and stored long enough.'],
  'audit.checkpoints': ['configuration', 'low', 'The audit log is signed at intervals.'],
  'roles.least': ['configuration', 'medium', 'No agent has more rights than it needs.'],
  'access.named': ['system', 'medium', 'Entries name their audience.'],
  'secrets.named': ['configuration', 'high', 'The configuration contains no secret as text.'],
  'secrets.files': ['configuration', 'high', 'Only the owner can read files with secrets.'],
  'api-keys.current': ['system', 'medium', 'API keys are recent, restricted, and expire.'],
  'server.guarded': ['configuration', 'high', 'Callers from other machines must authenticate.'],
  'messages.signed': ['configuration', 'medium', 'Messages are signed by their senders.'],
  'taint.policy': ['configuration', 'medium', 'Untrusted input cannot cause an outgoing call with sensitive data.'],
  'egress.listed': ['configuration', 'medium', 'Tools can connect only to listed hosts.'],
  'incidents.few': ['system', 'medium', 'Few actions were rejected within a day.'],

  'agents.single': ['configuration', 'low', 'Every agent has one job.'],
  'agents.inputs': ['configuration', 'medium', 'Agents have a schema for their input.'],
  'models.keys': ['system', 'high', 'Every configured model has its API key.'],
  'models.fallback': ['configuration', 'medium', 'If a model fails, another model or a value replaces it.'],
  'calls.breakers': ['system', 'medium', 'A service that fails repeatedly is not called while its circuit is open.'],
  'calls.retried': ['configuration', 'medium', 'Retryable calls are retried with growing delays.'],
  'calls.timed': ['configuration', 'medium', 'Every tool call has a timeout.'],
  'errors.handled': ['configuration', 'medium', 'Teams configure the handling of errors.'],
  'rates.limited': ['configuration', 'medium', 'Calls have a rate limit.'],
  'runs.budgeted': ['configuration', 'medium', 'Runs have a budget of cost or tokens.'],
  'answers.cached': ['system', 'low', 'Equal calls of models are cached.'],
  'results.read': ['system', 'medium', 'No failed tool result is ignored.'],
  'prompts.once': ['system', 'low', 'No prompt contains data that tools read again.'],

  'health.good': ['system', 'high', 'All health checks pass.'],
  'health.watched': ['configuration', 'medium', 'Health is checked even if no caller asks.'],
  'alerts.delivered': ['configuration', 'medium', 'A recipient is notified when a metric exceeds its bound.'],
  'alerts.quiet': ['system', 'medium', 'No alert is raised, and few calls fail.'],
  'metrics.read': ['configuration', 'medium', 'Metrics are collected and exported.'],
  'logs.failures': ['system', 'high', 'Failures are log lines of level error.'],
  'logs.configured': ['configuration', 'medium', 'The log is detailed enough, in a format that a collector can read.'],
  'traces.stored': ['configuration', 'medium', 'Traces of runs are stored.'],
  'resources.watched': ['system', 'medium', 'Memory, disk and timers are monitored and within their limits.'],

  'cleanup.runs': ['system', 'medium', 'Expired data is deleted.'],
  'entries.ttl': ['system', 'medium', 'Temporary entries have a TTL.'],
  'sensitive.ttl': ['system', 'medium', 'Sensitive entries have a TTL.'],
  'context.bounded': ['system', 'medium', 'The context of a user has a limit and is below it.'],
  'topics.used': ['system', 'low', 'Topics are used, and are not too many.'],
  'batches.used': ['system', 'low', 'Frequent writes are batched.'],
  'mailboxes.bounded': ['system', 'medium', 'Full mailboxes reject messages, and none is nearly full.'],
  'letters.dead': ['system', 'high', 'No dead letter waits for a decision.'],
  'effects.resolved': ['system', 'high', 'No effect has an unknown outcome.'],
  'runs.moving': ['system', 'high', 'No run is stuck.'],
  'schedules.running': ['system', 'high', 'Schedules start their runs.'],
  'writes.undisputed': ['system', 'high', 'Of two concurrent writers exactly one succeeds.'],
  'messages.contracts': ['system', 'medium', 'The messages that workers handle have a schema.'],
  'messages.frozen': ['system', 'high', 'A delivered message cannot be changed.'],

  'project.types': ['project', 'low', 'The code is type-checked in strict mode.'],
  'project.docs': ['project', 'low', 'A README says what the project is and how to run it.', 'attested'],
  'project.tests': ['project', 'medium', 'The project has tests.'],
  'project.coverage': ['project', 'low', 'Tests reach 90 % of the lines.', 'attested'],
  'project.integration': ['project', 'low', 'Tests run agents together on a real troupe.', 'attested'],
  'project.failures': ['project', 'low', 'Tests cover failures.', 'attested'],
  'project.doubles': ['project', 'low', 'Tests call no external model or service.', 'attested'],
  'project.lockfile': ['project', 'medium', 'Dependencies are locked.'],
  'project.secrets': ['project', 'high', 'Files with secrets are not in the repository.'],
  'project.image': ['project', 'low', 'The image runs as a user other than root.', 'attested'],
  'project.infrastructure': ['project', 'low', 'The infrastructure is code.', 'attested'],
  'project.balancing': ['project', 'low', 'A load balancer uses only processes that are ready.', 'attested'],
  'project.ci': ['project', 'low', 'CI tests every change.', 'attested'],
  'project.scans': ['project', 'low', 'Dependencies are scanned for known vulnerabilities.', 'attested'],
  'project.dashboard': ['project', 'low', 'The project has a dashboard.', 'attested'],
  'project.benchmarks': ['project', 'low', 'The project has benchmarks.', 'attested'],

  'load.tested': ['word', 'low', 'The application was tested under the expected load.'],
  'performance.reviewed': ['word', 'low', 'The performance was reviewed.'],
  'security.reviewed': ['word', 'low', 'The security was reviewed, and dependencies were updated.'],
  'capacity.planned': ['word', 'low', 'The growth of data and load is estimated, with the actions that follow.'],
  'rollback.rehearsed': ['word', 'low', 'A rollback to the previous release was rehearsed.'],
} as const satisfies Readonly<Record<string, DoctorRow>>

export type CheckId = keyof typeof doctorCatalogue

export const checkIds = Object.keys(doctorCatalogue) as readonly CheckId[]
export const entryOf = (id: CheckId) => {
  const [about, severity, description, attested]: DoctorRow = doctorCatalogue[id]
  return { about, severity, description, isAttestable: about === 'word' || attested !== undefined }
}

/** A check of the application is `high`, since the application declares what it needs. */
export const severityOf = (id: string): DoctorSeverity =>
  Object.hasOwn(doctorCatalogue, id) ? entryOf(id as CheckId).severity : 'high'

/** The checks by id, for the check of a configuration. */
export const checksById: ReadonlyMap<string, { readonly attestable: boolean }> = new Map(
  checkIds.map((id) => [id, { attestable: entryOf(id).isAttestable }]),
)
