/**
 * Defects, each as edits of files of the built library, and what has to find them. None is in the library: an edit is
 * made in a copy, and one whose text is not found any more is a failure of its own.
 */
export interface Edit {
  /** Below the built library's folder. */
  readonly file: string
  readonly search: string
  readonly replace: string
  /** Everywhere it occurs; else it must occur once. */
  readonly all?: boolean
}

export interface Bug {
  readonly name: string
  readonly edits: readonly Edit[]
  /** A world, or a trial with real files. */
  readonly foundBy: 'commits' | 'journals' | 'shared-state' | 'runs' | 'power-loss'
}

/** `@{…}` stands for a place in a template of the library. */
const edit = (file: string, search: string, replace: string, all = false): Edit => {
  const [from, to] = [search, replace].map((text) => text.replaceAll('@{', '${')) as [string, string]
  return { file, search: from, replace: to, all }
}

const writer = 'storage/sqlite/writer.js'
const queue = 'storage/sqlite/commit-queue.js'
const statements = 'durable/journals/journal-statements.js'
const appender = 'durable/steps/appender.js'
const effects = 'durable/steps/effect-runner.js'
const owner = 'orchestration/orchestra/run-owner.js'
const taking = 'orchestration/orchestra/take-command.js'

const storageBugs: readonly Bug[] = [
  {
    name: 'acknowledges before the commit',
    foundBy: 'commits',
    edits: [
      edit(
        writer,
        'let left = mostTogether;\n        this.#own.begin.run([]);',
        'let left = mostTogether; if (this.#db.isTransaction) this.#own.commit.run([]); this.#own.begin.run([]);',
      ),
      edit(writer, '        this.#own.commit.run([]);\n        if (this.#careful', '        if (this.#careful'),
    ],
  },
  {
    name: 'commits with synchronous = normal',
    foundBy: 'power-loss',
    edits: [edit('storage/sqlite/connection.js', 'pragma synchronous = full', 'pragma synchronous = normal')],
  },
  {
    name: 'does not recognise the id of a change that is committed',
    foundBy: 'commits',
    edits: [
      edit(
        writer,
        'this.#own.claim.run([id, user, BigInt(at)]) === 0',
        'this.#own.claim.run([id, user, BigInt(at)]) < 0',
      ),
    ],
  },
  {
    name: 'keeps what a refused change has done',
    foundBy: 'commits',
    edits: [edit(writer, 'this.#own.rollback.run([]);', '')],
  },
  {
    name: 'lets one refused change take its neighbours with it',
    foundBy: 'commits',
    edits: [edit(writer, "rollback: 'rollback to change'", "rollback: 'rollback'")],
  },
  {
    name: 'takes back nothing of a refused change where no savepoint stands',
    foundBy: 'commits',
    edits: [edit(writer, 'if (this.#wrote || !(error instanceof Refused))', 'if (!(error instanceof Refused))')],
  },
  {
    name: 'raises the revision before it is known that the change stands',
    foundBy: 'commits',
    edits: [
      edit(
        writer,
        'this.#own.savepoint.run([]);',
        'if (change.feed.length > 0) this.#own.raise.run([change.user]), (change.early = this.#own.revision.rows([change.user])[0]?.[0]); this.#own.savepoint.run([]);',
      ),
      edit(
        writer,
        '#change({ id, user, at, statements, feed }, reply)',
        '#change({ id, user, at, statements, feed, early }, reply)',
      ),
      edit(writer, 'this.#own.raise.run([user]);', ''),
      edit(writer, 'const revision = this.#own.revision.rows([user])[0]?.[0];', 'const revision = early;'),
    ],
  },
  {
    name: 'repeats a batch blindly after an I/O error',
    foundBy: 'shared-state',
    edits: [
      edit(
        queue,
        "const reply = await this.#options.shell.send({ kind: 'batch', at, changes: group.length, cells });",
        "let reply = await this.#options.shell.send({ kind: 'batch', at, changes: group.length, cells }); if (reply.problem === 'io') reply = await this.#options.shell.send({ kind: 'batch', at, changes: group.length, cells });",
      ),
    ],
  },
  {
    name: 'never tries whether a full disk has room again',
    foundBy: 'commits',
    edits: [edit(queue, "if (kind === 'dead')\n", "if (kind === 'dead' || kind === 'full')\n")],
  },
  {
    name: 'leaves a revision out of the feed',
    foundBy: 'shared-state',
    edits: [
      edit(
        'storage/feed.js',
        'where user_id = ? and revision > ? order',
        'where user_id = ? and revision > ? and revision % 7 <> 3 order',
      ),
    ],
  },
]

const contextBugs: readonly Bug[] = [
  {
    name: 'ignores ifVersion',
    foundBy: 'shared-state',
    edits: [
      edit(
        'context/fragments.js',
        'core.writes.version({ ...place, version }, { expect: { rows: 1 },',
        'core.writes.version({ ...place, version }, { expect: { max: 1 },',
      ),
    ],
  },
  {
    name: 'applies an atomic batch piece by piece',
    foundBy: 'shared-state',
    edits: [
      edit(
        'context/batch.js',
        'const result = await core.tryCommit(actor.user, ...fragments, quota);',
        'for (const fragment of fragments.slice(0, -1)) await core.tryCommit(actor.user, fragment); const result = await core.tryCommit(actor.user, ...fragments, quota);',
      ),
    ],
  },
  {
    name: 'starts the versions of a deleted key again',
    foundBy: 'shared-state',
    edits: [edit('context/fragments.js', 'writes.bury(place),', '')],
  },
  {
    name: 'does not let a step read its own writes',
    foundBy: 'runs',
    edits: [
      edit(
        'context/overlay.js',
        'return this.#writes.get(key)?.staged ?? this.#parent?.get(key);',
        'return undefined;',
      ),
    ],
  },
]

const messagingBugs: readonly Bug[] = [
  {
    name: 'does not count an attempt before its handler runs',
    foundBy: 'shared-state',
    edits: [
      edit(
        'messaging/statements/claim-statements.js',
        'set token = @{p.token}, attempts = attempts + 1',
        'set token = @{p.token}, attempts = attempts + 0',
        true,
      ),
    ],
  },
  {
    name: 'forgets dedupe ids at once',
    foundBy: 'shared-state',
    edits: [
      edit(
        'messaging/statements/send-statements.js',
        'and dedupe_id = @{p.dedupeId} and dedupe_until <= @{now}',
        'and dedupe_id = @{p.dedupeId} and dedupe_until > @{now}',
      ),
    ],
  },
  {
    name: 'leases a lane that somebody holds',
    foundBy: 'shared-state',
    edits: [edit('messaging/statements/claim-statements.js', 'sql `l.token is null`', 'sql `1 = 1`')],
  },
  {
    name: 'takes an acknowledgement from whose lease ran out',
    foundBy: 'shared-state',
    edits: [
      edit(
        'messaging/statements/settle-statements.js',
        "and state = 'ready'\n  and token = @{p.token} and exists (select 1 from mailbox_lanes l where l.user_id = @{p.user}\n    and l.mailbox = @{p.mailbox} and l.lane = @{p.lane} and l.token = @{p.token})`",
        "and state in ('ready', 'done')`",
      ),
    ],
  },
]

const durableBugs: readonly Bug[] = [
  {
    name: 'appends to a journal without looking at the epoch',
    foundBy: 'journals',
    edits: [
      edit(
        statements,
        'and head = @{p.from} and epoch = @{p.epoch} and closed_at is null',
        'and head = @{p.from} and closed_at is null',
        true,
      ),
    ],
  },
  {
    name: 'lets a late writer overwrite a journal',
    foundBy: 'journals',
    edits: [
      edit(
        statements,
        'and head = @{p.from} and epoch = @{p.epoch} and closed_at is null',
        'and closed_at is null',
        true,
      ),
      edit(statements, 'insert into journal_records', 'insert or replace into journal_records'),
    ],
  },
  {
    name: 'drops the outcomes of effects when their turn fails',
    foundBy: 'runs',
    edits: [edit(appender, 'const texts = [...batch.texts, ...more];', 'const texts = [...more];')],
  },
  {
    name: 'claims an effect without the answers that led to it',
    foundBy: 'runs',
    edits: [
      edit(
        appender,
        'const texts = [...batch.claims.map((claim) => claim.text), ...batch.texts,',
        'const texts = [...batch.claims.map((claim) => claim.text), ...(batch.claims.length > 0 ? [] : batch.texts),',
      ),
    ],
  },
  {
    name: 'commits a turn apart from its record',
    foundBy: 'runs',
    edits: [
      edit(
        appender,
        '        let result;\n        try {\n',
        '        let result;\n        if (fragments.length > 0) await storage.commit({ id: null, scope: { user }, statements: statements.splice(0, ends[0]) });\n        try {\n',
      ),
    ],
  },
  {
    name: 'starts an effect before its claim is durable',
    foundBy: 'runs',
    edits: [edit(effects, 'else if (!claimed)', 'else if (claimed)')],
  },
  {
    name: 'repeats a once effect whose outcome nobody knows',
    foundBy: 'runs',
    edits: [edit(effects, "if (verdict === 'not' || !once)", "if (verdict !== 'happened')")],
  },
  {
    name: 'takes a row out of the inbox before it is in the journal',
    foundBy: 'runs',
    edits: [
      edit(
        owner,
        '        const statements = [\n            ...(proves ?',
        '        if (taken.length > 0) await storage.commit({ id: null, scope: { user: this.user }, statements: inbox.remove(this.user, this.#writer.id, taken).statements });\n        const statements = [\n            ...(proves ?',
      ),
      edit(owner, '...(taken.length > 0 ? inbox.remove(this.user, this.#writer.id, taken).statements : []),', ''),
    ],
  },
  {
    name: 'gives up a step that the storage failed once',
    foundBy: 'runs',
    edits: [edit('orchestration/orchestra/step-launcher.js', 'this.#tryAgain(flight);', 'void 0;')],
  },
  {
    name: 'leaves whoever answered waiting for word of it',
    foundBy: 'runs',
    edits: [edit(taking, 'statements: [settled, ...', 'statements: [...')],
  },
]

export const bugs: readonly Bug[] = [...storageBugs, ...contextBugs, ...messagingBugs, ...durableBugs]
