/**
 * The built-in checks of the doctor: what is true if each passes, and what it checks. docs/doctor.md is written from
 * it; the checks are in `checks/`, under the same ids.
 */

export interface DoctorCatalogueEntry {
  /**
   * What the check needs: the configuration alone, an open troupe, the folder of a project, or only the attestation of
   * a person.
   */
  readonly about: 'configuration' | 'system' | 'project' | 'word'
  /**
   * The severity if the check does not pass: `high` if data is lost or exposed, or work stops; `low` for a habit, or a
   * review by a person. `medium` by default.
   */
  readonly severity?: 'high' | 'low'
  /** What is true if the check passes. */
  readonly description: string
  /** An attestation in `doctor.attest` also passes the check; the only way for a check about nothing else. */
  readonly attested?: true
}

export const doctorChecks = {
  'troupe.opens': { about: 'configuration', severity: 'high', description: 'The troupe opens.' },
  'configuration.valid': {
    about: 'configuration',
    severity: 'high',
    description: 'Every setting is known and has a valid value.',
  },
  'configuration.safe': { about: 'configuration', description: 'No setting is rejected in production.' },
  'configuration.external': {
    about: 'configuration',
    description: 'Values that differ between deployments are not in code.',
  },
  'profile.production': {
    about: 'configuration',
    description: 'The profile is production, if the checks are made for production.',
  },
  'node.version': { about: 'configuration', description: 'Node is a long-term support release.' },
  'memory.limited': { about: 'configuration', description: 'The memory of the process is limited.' },
  'shutdown.graceful': { about: 'configuration', description: 'The process drains before it ends, and in time.' },
  'sandbox.engines': {
    about: 'configuration',
    description: 'The engines of the sandbox can execute code on this host.',
  },
  'clock.agrees': {
    about: 'system',
    severity: 'high',
    description: 'The clock agrees with that of the storage, and has never gone back.',
  },

  'storage.durable': { about: 'configuration', severity: 'high', description: 'State outlives the process.' },
  'storage.migrated': { about: 'configuration', severity: 'high', description: 'Every migration is applied.' },
  'storage.shared': { about: 'configuration', description: 'Several processes can share the storage.' },
  'storage.pool': { about: 'system', description: 'Connections are pooled, and the server accepts all of them.' },
  'storage.isolation': { about: 'system', severity: 'high', description: 'No user can see data of another.' },
  'storage.role': { about: 'system', description: 'The database role cannot read the data of all users.' },
  'storage.listen': { about: 'system', description: 'Processes notify each other at once.' },
  'storage.space': {
    about: 'system',
    severity: 'high',
    description: 'The disk of the storage has free space.',
    attested: true,
  },
  'storage.size': {
    about: 'system',
    severity: 'low',
    description: 'The data is small enough for one database, or partitioned.',
    attested: true,
  },
  'storage.indexes': { about: 'system', description: 'Every index of the tables exists.' },
  'storage.backup': {
    about: 'configuration',
    severity: 'high',
    description: 'The newest backup is recent enough.',
    attested: true,
  },
  'versions.fit': { about: 'system', severity: 'high', description: 'The runs in progress match the present code.' },

  'users.required': {
    about: 'configuration',
    severity: 'high',
    description: 'Every call names its user, so that callers do not share data by accident.',
  },
  'encryption.rest': { about: 'system', description: 'Stored content is encrypted.' },
  'encryption.transit': {
    about: 'configuration',
    severity: 'high',
    description: 'Data is encrypted in transit.',
  },
  'audit.log': {
    about: 'configuration',
    description: 'Operations are recorded with their actor, and stored long enough.',
  },
  'audit.checkpoints': {
    about: 'configuration',
    severity: 'low',
    description: 'The audit log is signed at intervals.',
  },
  'roles.least': { about: 'configuration', description: 'No agent has more rights than it needs.' },
  'access.named': { about: 'system', description: 'Entries name their audience.' },
  'secrets.named': {
    about: 'configuration',
    severity: 'high',
    description: 'The configuration contains no secret as text.',
  },
  'secrets.files': {
    about: 'configuration',
    severity: 'high',
    description: 'Only the owner can read files with secrets.',
  },
  'api-keys.current': { about: 'system', description: 'API keys are recent, restricted, and expire.' },
  'server.guarded': {
    about: 'configuration',
    severity: 'high',
    description: 'Callers from other machines must authenticate.',
  },
  'messages.signed': { about: 'configuration', description: 'Messages are signed by their senders.' },
  'taint.policy': {
    about: 'configuration',
    description: 'Untrusted input cannot cause an outgoing call with sensitive data.',
  },
  'egress.listed': { about: 'configuration', description: 'Tools can connect only to listed hosts.' },
  'incidents.few': { about: 'system', description: 'Few actions were rejected within a day.' },

  'agents.single': { about: 'configuration', severity: 'low', description: 'Every agent has one job.' },
  'agents.inputs': { about: 'configuration', description: 'Agents have a schema for their input.' },
  'models.keys': { about: 'system', severity: 'high', description: 'Every configured model has its API key.' },
  'models.fallback': { about: 'configuration', description: 'If a model fails, another model or a value replaces it.' },
  'calls.breakers': {
    about: 'system',
    description: 'A service that fails repeatedly is not called while its circuit is open.',
  },
  'calls.retried': { about: 'configuration', description: 'Retryable calls are retried with growing delays.' },
  'calls.timed': { about: 'configuration', description: 'Every tool call has a timeout.' },
  'errors.handled': { about: 'configuration', description: 'Teams configure the handling of errors.' },
  'rates.limited': { about: 'configuration', description: 'Calls have a rate limit.' },
  'runs.budgeted': { about: 'configuration', description: 'Runs have a budget of cost or tokens.' },
  'answers.cached': { about: 'system', severity: 'low', description: 'Equal calls of models are cached.' },
  'results.read': { about: 'system', description: 'No failed tool result is ignored.' },
  'prompts.once': { about: 'system', severity: 'low', description: 'No prompt contains data that tools read again.' },

  'health.good': { about: 'system', severity: 'high', description: 'All health checks pass.' },
  'health.watched': { about: 'configuration', description: 'Health is checked even if no caller asks.' },
  'alerts.delivered': {
    about: 'configuration',
    description: 'A recipient is notified when a metric exceeds its bound.',
  },
  'alerts.quiet': { about: 'system', description: 'No alert is raised, and few calls fail.' },
  'metrics.read': { about: 'configuration', description: 'Metrics are collected and exported.' },
  'logs.failures': {
    about: 'system',
    severity: 'high',
    description: 'Failures are log lines of level error.',
  },
  'logs.configured': {
    about: 'configuration',
    description: 'The log is detailed enough, in a format that a collector can read.',
  },
  'traces.stored': { about: 'configuration', description: 'Traces of runs are stored.' },
  'resources.watched': {
    about: 'system',
    description: 'Memory, disk and timers are monitored and within their limits.',
  },

  'cleanup.runs': { about: 'system', description: 'Expired data is deleted.' },
  'entries.ttl': { about: 'system', description: 'Temporary entries have a TTL.' },
  'sensitive.ttl': { about: 'system', description: 'Sensitive entries have a TTL.' },
  'context.bounded': { about: 'system', description: 'The context of a user has a limit and is below it.' },
  'topics.used': { about: 'system', severity: 'low', description: 'Topics are used, and are not too many.' },
  'batches.used': { about: 'system', severity: 'low', description: 'Frequent writes are batched.' },
  'mailboxes.bounded': { about: 'system', description: 'Full mailboxes reject messages, and none is nearly full.' },
  'letters.dead': { about: 'system', severity: 'high', description: 'No dead letter waits for a decision.' },
  'effects.resolved': { about: 'system', severity: 'high', description: 'No effect has an unknown outcome.' },
  'runs.moving': { about: 'system', severity: 'high', description: 'No run is stuck.' },
  'schedules.running': { about: 'system', severity: 'high', description: 'Schedules start their runs.' },
  'writes.undisputed': {
    about: 'system',
    severity: 'high',
    description: 'Of two concurrent writers exactly one succeeds.',
  },
  'messages.contracts': { about: 'system', description: 'The messages that workers handle have a schema.' },
  'messages.frozen': {
    about: 'system',
    severity: 'high',
    description: 'A delivered message cannot be changed.',
  },

  'project.types': { about: 'project', severity: 'low', description: 'The code is type-checked in strict mode.' },
  'project.docs': {
    about: 'project',
    severity: 'low',
    description: 'A README says what the project is and how to run it.',
    attested: true,
  },
  'project.tests': { about: 'project', description: 'The project has tests.' },
  'project.coverage': {
    about: 'project',
    severity: 'low',
    description: 'Tests reach 90 % of the lines.',
    attested: true,
  },
  'project.integration': {
    about: 'project',
    severity: 'low',
    description: 'Tests run agents together on a real troupe.',
    attested: true,
  },
  'project.failures': { about: 'project', severity: 'low', description: 'Tests cover failures.', attested: true },
  'project.doubles': {
    about: 'project',
    severity: 'low',
    description: 'Tests call no external model or service.',
    attested: true,
  },
  'project.lockfile': { about: 'project', description: 'Dependencies are locked.' },
  'project.secrets': {
    about: 'project',
    severity: 'high',
    description: 'Files with secrets are not in the repository.',
  },
  'project.image': {
    about: 'project',
    severity: 'low',
    description: 'The image runs as a user other than root.',
    attested: true,
  },
  'project.infrastructure': {
    about: 'project',
    severity: 'low',
    description: 'The infrastructure is code.',
    attested: true,
  },
  'project.balancing': {
    about: 'project',
    severity: 'low',
    description: 'A load balancer uses only processes that are ready.',
    attested: true,
  },
  'project.ci': {
    about: 'project',
    severity: 'low',
    description: 'CI tests every change.',
    attested: true,
  },
  'project.scans': {
    about: 'project',
    severity: 'low',
    description: 'Dependencies are scanned for known vulnerabilities.',
    attested: true,
  },
  'project.dashboard': {
    about: 'project',
    severity: 'low',
    description: 'The project has a dashboard.',
    attested: true,
  },
  'project.benchmarks': {
    about: 'project',
    severity: 'low',
    description: 'The project has benchmarks.',
    attested: true,
  },

  'load.tested': { about: 'word', severity: 'low', description: 'The application was tested under the expected load.' },
  'performance.reviewed': { about: 'word', severity: 'low', description: 'The performance was reviewed.' },
  'security.reviewed': {
    about: 'word',
    severity: 'low',
    description: 'The security was reviewed, and dependencies were updated.',
  },
  'capacity.planned': {
    about: 'word',
    severity: 'low',
    description: 'The growth of data and load is estimated, with the actions that follow.',
  },
  'rollback.rehearsed': {
    about: 'word',
    severity: 'low',
    description: 'A rollback to the previous release was rehearsed.',
  },
} as const satisfies Readonly<Record<string, DoctorCatalogueEntry>>

export type CheckId = keyof typeof doctorChecks

export const checkIds = Object.keys(doctorChecks) as readonly CheckId[]
export const entryOf = (id: CheckId): DoctorCatalogueEntry => doctorChecks[id]
export const isAttestable = (id: CheckId): boolean => entryOf(id).attested === true || entryOf(id).about === 'word'

export type DoctorSeverity = 'high' | 'medium' | 'low'

/** A check of the application is `high`, since the application declares what it needs. */
export const severityOf = (id: string): DoctorSeverity =>
  Object.hasOwn(doctorChecks, id) ? (entryOf(id as CheckId).severity ?? 'medium') : 'high'

/** The checks by id, for the check of a configuration. */
export const checksById: ReadonlyMap<string, { readonly attestable: boolean }> = new Map(
  checkIds.map((id) => [id, { attestable: isAttestable(id) }]),
)
