/**
 * Every check of the doctor that is ours: what holds where it passes, and what it looks at. docs/doctor.md is written from
 * it; the checks themselves are in `checks/`, under the same ids.
 */

export interface CatalogueEntry {
  /**
   * What it needs: the configuration alone, an open troupe, the folder of a project, or nothing but the word of a person.
   */
  readonly about: 'configuration' | 'system' | 'project' | 'word'
  /** What holds where it passes. */
  readonly says: string
  /** A person's dated word in `doctor.attest` stands for it too; always so where it is about nothing but that word. */
  readonly attested?: true
}

export const doctorChecks = {
  'troupe.opens': { about: 'configuration', says: 'The troupe opens.' },
  'configuration.valid': { about: 'configuration', says: 'Every setting is known and fits its kind.' },
  'configuration.safe': { about: 'configuration', says: 'Nothing is set that production refuses.' },
  'configuration.external': { about: 'configuration', says: 'What differs between deployments is in no code.' },
  'profile.production': { about: 'configuration', says: 'The profile is production where it is judged as such.' },
  'node.version': { about: 'configuration', says: 'Node is a release that is looked after for long.' },
  'memory.limited': { about: 'configuration', says: 'The process has a bound of memory.' },
  'shutdown.graceful': { about: 'configuration', says: 'The process ends by draining, and in time.' },
  'clock.agrees': { about: 'system', says: 'The clock goes with that of the storage, and never went back.' },

  'storage.durable': { about: 'configuration', says: 'State outlives the process.' },
  'storage.migrated': { about: 'configuration', says: 'Every migration is applied.' },
  'storage.shared': { about: 'configuration', says: 'More processes may be started on the same state.' },
  'storage.pool': { about: 'system', says: 'Connections are pooled, and the server has room for all of them.' },
  'storage.isolation': { about: 'system', says: 'No user can see what belongs to another.' },
  'storage.role': { about: 'system', says: 'Users are served with a role that could not see them all.' },
  'storage.listen': { about: 'system', says: 'Processes hear of each other at once.' },
  'storage.space': { about: 'system', says: 'The disk of the storage has room.', attested: true },
  'storage.size': { about: 'system', says: 'The data is small enough for one database, or parted.', attested: true },
  'storage.indexes': { about: 'system', says: 'Every index that the tables were made with is there.' },
  'storage.backup': { about: 'configuration', says: 'The newest backup is young enough.', attested: true },
  'versions.fit': { about: 'system', says: 'The runs in flight fit the code that is here.' },

  'users.required': { about: 'configuration', says: 'Nobody shares a context by naming no user.' },
  'encryption.rest': { about: 'system', says: 'What is stored is sealed.' },
  'encryption.transit': { about: 'configuration', says: 'What leaves the machine is encrypted on its way.' },
  'audit.log': { about: 'configuration', says: 'Who did what is recorded, and kept for long enough.' },
  'audit.checkpoints': { about: 'configuration', says: 'The audit log is signed at intervals.' },
  'roles.least': { about: 'configuration', says: 'No agent may do more than it needs.' },
  'access.named': { about: 'system', says: 'Entries name who may read them.' },
  'secrets.named': { about: 'configuration', says: 'No secret is written down in the configuration.' },
  'secrets.files': { about: 'configuration', says: 'Files with secrets can be read by their owner alone.' },
  'keys.current': { about: 'system', says: 'API keys are young, bounded, and end by themselves.' },
  'server.guarded': { about: 'configuration', says: 'Whoever calls from outside has to sign in.' },
  'messages.signed': { about: 'configuration', says: 'Agents prove to each other who sent a message.' },
  'taint.policy': { about: 'configuration', says: 'Untrusted input cannot carry sensitive data out by itself.' },
  'egress.listed': { about: 'configuration', says: 'Tools go out to the hosts of a list, and nowhere else.' },
  'incidents.few': { about: 'system', says: 'Little was refused within a day.' },

  'agents.single': { about: 'configuration', says: 'Every agent has one job.' },
  'agents.inputs': { about: 'configuration', says: 'What agents are given is checked against a schema.' },
  'models.fallback': { about: 'configuration', says: 'Where a model fails, another one or a value stands in.' },
  'calls.breakers': { about: 'system', says: 'What fails repeatedly outside is left alone for a while.' },
  'calls.retried': { about: 'configuration', says: 'What may be tried again is, with growing pauses.' },
  'calls.timed': { about: 'configuration', says: 'No call of a tool waits for ever.' },
  'errors.handled': { about: 'configuration', says: 'Teams say what becomes of an error.' },
  'rates.limited': { about: 'configuration', says: 'Calls are limited in number.' },
  'runs.budgeted': { about: 'configuration', says: 'Runs have a bound of cost or tokens.' },
  'answers.cached': { about: 'system', says: 'Equal questions are not paid for twice.' },
  'results.read': { about: 'system', says: 'No failed result of a tool goes unread.' },
  'prompts.once': { about: 'system', says: 'No prompt holds what tools read again.' },

  'health.good': { about: 'system', says: 'The whole works, check by check.' },
  'health.watched': { about: 'configuration', says: 'It looks after itself also where nobody asks.' },
  'alerts.told': { about: 'configuration', says: 'Somebody is told when a figure passes its bound.' },
  'alerts.quiet': { about: 'system', says: 'No alert is raised, and few calls fail.' },
  'metrics.read': { about: 'configuration', says: 'Metrics are collected, and read by something.' },
  'logs.kept': { about: 'configuration', says: 'The log says enough, in a form that can be gathered.' },
  'traces.kept': { about: 'configuration', says: 'Every run can be followed step by step afterwards.' },
  'resources.watched': { about: 'system', says: 'Memory, disk and timers are watched, and within bounds.' },

  'cleanup.runs': { about: 'system', says: 'What has expired is cleaned up.' },
  'entries.ttl': { about: 'system', says: 'Entries that are of use for a while say for how long.' },
  'sensitive.ttl': { about: 'system', says: 'Sensitive entries end by themselves.' },
  'context.bounded': { about: 'system', says: 'The context of a user has a bound, and keeps within it.' },
  'topics.used': { about: 'system', says: 'Topics are neither too many nor none.' },
  'batches.used': { about: 'system', says: 'Many writes go together.' },
  'mailboxes.bounded': { about: 'system', says: 'Full mailboxes push back, and none is nearly full.' },
  'letters.dead': { about: 'system', says: 'No dead letter waits for a decision.' },
  'effects.settled': { about: 'system', says: 'No effect has an outcome that nobody knows.' },
  'runs.moving': { about: 'system', says: 'No run stands still that should go on.' },
  'schedules.kept': { about: 'system', says: 'Schedules begin their runs.' },
  'writes.undisputed': { about: 'system', says: 'Of two writers at once exactly one wins.' },
  'messages.contracts': { about: 'system', says: 'What workers take has a schema.' },
  'messages.frozen': { about: 'system', says: 'A message that was delivered cannot be changed.' },

  'project.types': { about: 'project', says: 'The code is typed, strictly.' },
  'project.docs': { about: 'project', says: 'The project says what it is and how it is run.', attested: true },
  'project.tests': { about: 'project', says: 'There are tests.' },
  'project.coverage': { about: 'project', says: 'Tests reach 90 % of the lines.', attested: true },
  'project.integration': { about: 'project', says: 'Tests run agents together on a real troupe.', attested: true },
  'project.failures': { about: 'project', says: 'Tests try what goes wrong.', attested: true },
  'project.doubles': { about: 'project', says: 'Tests call no model and no service outside.', attested: true },
  'project.lockfile': { about: 'project', says: 'What is installed is locked.' },
  'project.secrets': { about: 'project', says: 'Files with secrets stay out of the repository.' },
  'project.image': { about: 'project', says: 'The image runs as a user other than root.', attested: true },
  'project.infrastructure': { about: 'project', says: 'The infrastructure is code.', attested: true },
  'project.balancing': { about: 'project', says: 'Load is spread, away from what is not ready.', attested: true },
  'project.ci': { about: 'project', says: 'Every change is tested by a machine.', attested: true },
  'project.scans': { about: 'project', says: 'Dependencies are scanned for known holes.', attested: true },
  'project.dashboard': { about: 'project', says: 'There is a dashboard.', attested: true },
  'project.benchmarks': { about: 'project', says: 'There are benchmarks to compare with.', attested: true },

  'load.tested': { about: 'word', says: 'It was tested under the load that is expected.' },
  'performance.reviewed': { about: 'word', says: 'Its performance was reviewed.' },
  'security.reviewed': { about: 'word', says: 'Its security was reviewed, and its parts brought up to date.' },
  'capacity.planned': { about: 'word', says: 'It is known what grows, how fast, and what then.' },
  'rollback.rehearsed': { about: 'word', says: 'Going back to the release before was tried.' },
} as const satisfies Readonly<Record<string, CatalogueEntry>>

export type CheckId = keyof typeof doctorChecks

export const checkIds = Object.keys(doctorChecks) as readonly CheckId[]
export const entryOf = (id: CheckId): CatalogueEntry => doctorChecks[id]
export const isAttestable = (id: CheckId): boolean => entryOf(id).attested === true || entryOf(id).about === 'word'

/** For whoever checks a configuration. */
export const checksById: ReadonlyMap<string, { readonly attestable: boolean }> = new Map(
  checkIds.map((id) => [id, { attestable: isAttestable(id) }]),
)
