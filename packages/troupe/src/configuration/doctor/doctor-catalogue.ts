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
    description: 'Every setting is known and fits its kind.',
  },
  'configuration.safe': { about: 'configuration', description: 'Nothing is set that production refuses.' },
  'configuration.external': { about: 'configuration', description: 'What differs between deployments is in no code.' },
  'profile.production': {
    about: 'configuration',
    description: 'The profile is production where it is judged as such.',
  },
  'node.version': { about: 'configuration', description: 'Node is a release that is looked after for long.' },
  'memory.limited': { about: 'configuration', description: 'The process has a bound of memory.' },
  'shutdown.graceful': { about: 'configuration', description: 'The process ends by draining, and in time.' },
  'sandbox.engines': {
    about: 'configuration',
    description: 'The engines of the sandbox can execute code on this host.',
  },
  'clock.agrees': {
    about: 'system',
    severity: 'high',
    description: 'The clock goes with that of the storage, and never went back.',
  },

  'storage.durable': { about: 'configuration', severity: 'high', description: 'State outlives the process.' },
  'storage.migrated': { about: 'configuration', severity: 'high', description: 'Every migration is applied.' },
  'storage.shared': { about: 'configuration', description: 'More processes may be started on the same state.' },
  'storage.pool': { about: 'system', description: 'Connections are pooled, and the server has room for all of them.' },
  'storage.isolation': { about: 'system', severity: 'high', description: 'No user can see what belongs to another.' },
  'storage.role': { about: 'system', description: 'Users are served with a role that could not see them all.' },
  'storage.listen': { about: 'system', description: 'Processes hear of each other at once.' },
  'storage.space': {
    about: 'system',
    severity: 'high',
    description: 'The disk of the storage has room.',
    attested: true,
  },
  'storage.size': {
    about: 'system',
    severity: 'low',
    description: 'The data is small enough for one database, or parted.',
    attested: true,
  },
  'storage.indexes': { about: 'system', description: 'Every index that the tables were made with is there.' },
  'storage.backup': {
    about: 'configuration',
    severity: 'high',
    description: 'The newest backup is young enough.',
    attested: true,
  },
  'versions.fit': { about: 'system', severity: 'high', description: 'The runs in flight fit the code that is here.' },

  'users.required': {
    about: 'configuration',
    severity: 'high',
    description: 'No caller shares a context by naming no user.',
  },
  'encryption.rest': { about: 'system', description: 'What is stored is sealed.' },
  'encryption.transit': {
    about: 'configuration',
    severity: 'high',
    description: 'What leaves the machine is encrypted on its way.',
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
  'roles.least': { about: 'configuration', description: 'No agent may do more than it needs.' },
  'access.named': { about: 'system', description: 'Entries name who may read them.' },
  'secrets.named': {
    about: 'configuration',
    severity: 'high',
    description: 'No secret is written down in the configuration.',
  },
  'secrets.files': {
    about: 'configuration',
    severity: 'high',
    description: 'Files with secrets can be read by their owner alone.',
  },
  'api-keys.current': { about: 'system', description: 'API keys are young, bounded, and end by themselves.' },
  'server.guarded': {
    about: 'configuration',
    severity: 'high',
    description: 'A caller from another machine has to sign in.',
  },
  'messages.signed': { about: 'configuration', description: 'Agents prove to each other who sent a message.' },
  'taint.policy': { about: 'configuration', description: 'Untrusted input cannot carry sensitive data out by itself.' },
  'egress.listed': { about: 'configuration', description: 'Tools go out to the hosts of a list, and nowhere else.' },
  'incidents.few': { about: 'system', description: 'Little was refused within a day.' },

  'agents.single': { about: 'configuration', severity: 'low', description: 'Every agent has one job.' },
  'agents.inputs': { about: 'configuration', description: 'What agents are given is checked against a schema.' },
  'models.keys': { about: 'system', severity: 'high', description: 'Each model that is named has its API key.' },
  'models.fallback': { about: 'configuration', description: 'If a model fails, another model or a value replaces it.' },
  'calls.breakers': {
    about: 'system',
    description: 'A service that fails repeatedly is not called while its circuit is open.',
  },
  'calls.retried': { about: 'configuration', description: 'What may be tried again is, with growing pauses.' },
  'calls.timed': { about: 'configuration', description: 'No call of a tool waits for ever.' },
  'errors.handled': { about: 'configuration', description: 'Teams say what becomes of an error.' },
  'rates.limited': { about: 'configuration', description: 'Calls are limited in number.' },
  'runs.budgeted': { about: 'configuration', description: 'Runs have a bound of cost or tokens.' },
  'answers.cached': { about: 'system', severity: 'low', description: 'Equal questions are not paid for twice.' },
  'results.read': { about: 'system', description: 'No failed result of a tool goes unread.' },
  'prompts.once': { about: 'system', severity: 'low', description: 'No prompt holds what tools read again.' },

  'health.good': { about: 'system', severity: 'high', description: 'The whole works, check by check.' },
  'health.watched': { about: 'configuration', description: 'Health is checked even if no caller asks.' },
  'alerts.delivered': {
    about: 'configuration',
    description: 'A recipient is notified when a metric exceeds its bound.',
  },
  'alerts.quiet': { about: 'system', description: 'No alert is raised, and few calls fail.' },
  'metrics.read': { about: 'configuration', description: 'Metrics are collected, and read by something.' },
  'logs.failures': {
    about: 'system',
    severity: 'high',
    description: 'What fails is a line of the log at level error.',
  },
  'logs.configured': { about: 'configuration', description: 'The log says enough, in a form that can be gathered.' },
  'traces.stored': { about: 'configuration', description: 'Every run can be followed step by step afterwards.' },
  'resources.watched': { about: 'system', description: 'Memory, disk and timers are watched, and within bounds.' },

  'cleanup.runs': { about: 'system', description: 'What has expired is cleaned up.' },
  'entries.ttl': { about: 'system', description: 'Entries that are of use for a while say for how long.' },
  'sensitive.ttl': { about: 'system', description: 'Sensitive entries end by themselves.' },
  'context.bounded': { about: 'system', description: 'The context of a user has a bound, and keeps within it.' },
  'topics.used': { about: 'system', severity: 'low', description: 'Topics are neither too many nor none.' },
  'batches.used': { about: 'system', severity: 'low', description: 'Many writes go together.' },
  'mailboxes.bounded': { about: 'system', description: 'Full mailboxes push back, and none is nearly full.' },
  'letters.dead': { about: 'system', severity: 'high', description: 'No dead letter waits for a decision.' },
  'effects.resolved': { about: 'system', severity: 'high', description: 'No effect has an unknown outcome.' },
  'runs.moving': { about: 'system', severity: 'high', description: 'No run is stuck.' },
  'schedules.running': { about: 'system', severity: 'high', description: 'Schedules begin their runs.' },
  'writes.undisputed': { about: 'system', severity: 'high', description: 'Of two writers at once exactly one wins.' },
  'messages.contracts': { about: 'system', description: 'What workers take has a schema.' },
  'messages.frozen': {
    about: 'system',
    severity: 'high',
    description: 'A message that was delivered cannot be changed.',
  },

  'project.types': { about: 'project', severity: 'low', description: 'The code is typed, strictly.' },
  'project.docs': {
    about: 'project',
    severity: 'low',
    description: 'The project says what it is and how it is run.',
    attested: true,
  },
  'project.tests': { about: 'project', description: 'There are tests.' },
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
  'project.failures': { about: 'project', severity: 'low', description: 'Tests try what goes wrong.', attested: true },
  'project.doubles': {
    about: 'project',
    severity: 'low',
    description: 'Tests call no model and no service outside.',
    attested: true,
  },
  'project.lockfile': { about: 'project', description: 'What is installed is locked.' },
  'project.secrets': {
    about: 'project',
    severity: 'high',
    description: 'Files with secrets stay out of the repository.',
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
    description: 'Load is spread, away from what is not ready.',
    attested: true,
  },
  'project.ci': {
    about: 'project',
    severity: 'low',
    description: 'Every change is tested by a machine.',
    attested: true,
  },
  'project.scans': {
    about: 'project',
    severity: 'low',
    description: 'Dependencies are scanned for known holes.',
    attested: true,
  },
  'project.dashboard': { about: 'project', severity: 'low', description: 'There is a dashboard.', attested: true },
  'project.benchmarks': {
    about: 'project',
    severity: 'low',
    description: 'There are benchmarks to compare with.',
    attested: true,
  },

  'load.tested': { about: 'word', severity: 'low', description: 'It was tested under the load that is expected.' },
  'performance.reviewed': { about: 'word', severity: 'low', description: 'Its performance was reviewed.' },
  'security.reviewed': {
    about: 'word',
    severity: 'low',
    description: 'Its security was reviewed, and its parts brought up to date.',
  },
  'capacity.planned': {
    about: 'word',
    severity: 'low',
    description: 'It is known what grows, how fast, and what then.',
  },
  'rollback.rehearsed': { about: 'word', severity: 'low', description: 'Going back to the release before was tried.' },
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
