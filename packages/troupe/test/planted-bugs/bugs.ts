/**
 * Defects as edits of files of the built library, each with the trial that must find it. The edits are made in a copy of the
 * library. A test fails if the text of an edit is not found.
 */
export interface Edit {
  /** Below the built library's folder. */
  readonly file: string
  readonly search: string
  readonly replace: string
  /** Replaces every occurrence. By default the text must occur exactly once. */
  readonly all?: boolean
}

export interface Bug {
  readonly name: string
  readonly edits: readonly Edit[]
  /** A scenario of the simulation, or the trial with power cuts. */
  readonly foundBy: 'commits' | 'journals' | 'shared-state' | 'runs' | 'power-loss'
}

/** `@{…}` stands for a place in a template of the library. */
const edit = (file: string, search: string, replace: string, all = false): Edit => {
  const [from, to] = [search, replace].map((text) => text.replaceAll('@{', '${')) as [string, string]
  return { file, search: from, replace: to, all }
}

const writer = 'storage/sqlite/writer/writer.js'
const changes = 'storage/sqlite/writer/change-executor.js'
const queue = 'storage/sqlite/commits/commit-queue.js'
const recovery = 'storage/sqlite/commits/writer-recovery.js'
const statements = 'journal/journals/journal-statements.js'
const executor = 'journal/machine/step-executor.js'
const ownJournal = 'journal/turns/own-journal.js'
const effects = 'journal/effects/run-effect.js'
const runWriter = 'runs/engine/execution/run-writer.js'
const applying = 'runs/engine/commands/apply-command.js'

const storageBugs: readonly Bug[] = [
  {
    name: 'acknowledges before the commit',
    foundBy: 'commits',
    edits: [
      edit(
        writer,
        'let left = transactionLimits;\n        this.#own.begin.run([]);',
        'let left = transactionLimits; if (this.#db.isTransaction) this.#own.commit.run([]); this.#own.begin.run([]);',
      ),
      edit(writer, '        this.#own.commit.run([]);\n        if (this.#careful', '        if (this.#careful'),
    ],
  },
  {
    name: 'commits with synchronous = normal',
    foundBy: 'power-loss',
    edits: [
      edit('storage/sqlite/file/open-for-writing.js', 'pragma synchronous = full', 'pragma synchronous = normal'),
    ],
  },
  {
    name: 'does not recognise the id of a change that is committed',
    foundBy: 'commits',
    edits: [
      edit(
        changes,
        'this.#own.claim.run([id, user, BigInt(at)]) > 0',
        'this.#own.claim.run([id, user, BigInt(at)]) >= 0',
      ),
    ],
  },
  {
    name: 'commits the statements of a rejected change',
    foundBy: 'commits',
    edits: [edit(changes, 'this.#own.rollback.run([]);', '')],
  },
  {
    name: 'rolls back the neighbours of a rejected change',
    foundBy: 'commits',
    edits: [edit(changes, "rollback: 'rollback to change'", "rollback: 'rollback'")],
  },
  {
    name: 'rolls back nothing of a rejected change without a savepoint',
    foundBy: 'commits',
    edits: [
      edit(
        changes,
        'if (this.#wrote || !(error instanceof RejectedChange))',
        'if (!(error instanceof RejectedChange))',
      ),
    ],
  },
  {
    name: 'raises the revision before the change is known to commit',
    foundBy: 'commits',
    edits: [
      edit(
        changes,
        'this.#own.savepoint.run([]);',
        'if (change.feed.length > 0) this.#own.raise.run([change.user]), (change.early = this.#own.revision.rows([change.user])[0]?.[0]); this.#own.savepoint.run([]);',
      ),
      edit(
        changes,
        ' slice({ id, user, at, statements, feed }, reply',
        ' slice({ id, user, at, statements, feed, early }, reply',
      ),
      edit(changes, 'progress.revision ??= this.#raise(user);', 'progress.revision ??= early;'),
    ],
  },
  {
    name: 'repeats a batch blindly after an I/O error',
    foundBy: 'shared-state',
    edits: [
      edit(
        queue,
        "const reply = await this.#ports.shell.send({ kind: 'batch', at, changes: group.length, cells });",
        "let reply = await this.#ports.shell.send({ kind: 'batch', at, changes: group.length, cells }); if (reply.problem === 'io') reply = await this.#ports.shell.send({ kind: 'batch', at, changes: group.length, cells });",
      ),
    ],
  },
  {
    name: 'never probes whether a full disk has space',
    foundBy: 'commits',
    edits: [
      edit(recovery, "if (found.problem === 'dead')\n", "if (found.problem === 'dead' || found.problem === 'full')\n"),
    ],
  },
  {
    name: 'leaves a revision out of the feed',
    foundBy: 'shared-state',
    edits: [
      edit(
        'storage/read-feed.js',
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
        'context/entries/fragments.js',
        'core.writes.version({ ...entryKey, version }, { expect: { rows: 1 },',
        'core.writes.version({ ...entryKey, version }, { expect: { max: 1 },',
      ),
      edit('context/entries/fragments.js', 'const { ifVersion } = push;', 'const ifVersion = undefined;'),
    ],
  },
  {
    name: 'applies an atomic batch piece by piece',
    foundBy: 'shared-state',
    edits: [
      edit(
        'context/writes/commit-batch.js',
        'const result = await core.tryCommit(actor.user, ...fragments, quota);',
        'for (const fragment of fragments.slice(0, -1)) await core.tryCommit(actor.user, fragment); const result = await core.tryCommit(actor.user, ...fragments, quota);',
      ),
    ],
  },
  {
    name: 'restarts the versions of a deleted key',
    foundBy: 'shared-state',
    edits: [edit('context/entries/fragments.js', 'writes.addTombstone(entryKey),', '')],
  },
  {
    name: 'does not let a step read its own writes',
    foundBy: 'runs',
    edits: [
      edit(
        'context/writes/overlay.js',
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
        'and dedupe_id = @{p.dedupeId} and dedupe_until <= @{storageNow}',
        'and dedupe_id = @{p.dedupeId} and dedupe_until > @{storageNow}',
      ),
    ],
  },
  {
    name: 'leases a lane that is leased',
    foundBy: 'shared-state',
    edits: [edit('messaging/statements/claim-statements.js', 'sql `l.token is null`', 'sql `1 = 1`')],
  },
  {
    name: 'accepts an acknowledgement after the lease expired',
    foundBy: 'shared-state',
    edits: [
      edit(
        'messaging/statements/delivery-statements.js',
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
    edits: [edit(executor, 'const texts = [...part.entries, ...part.remarks];', 'const texts = [...part.remarks];')],
  },
  {
    name: 'claims an effect without the answers that led to it',
    foundBy: 'runs',
    edits: [
      edit(
        executor,
        'const texts = [...part.claims.map((claim) => claim.text), ...part.entries,',
        'const texts = [...part.claims.map((claim) => claim.text), ...(part.claims.length > 0 ? [] : part.entries),',
      ),
    ],
  },
  {
    name: 'commits a turn apart from its record',
    foundBy: 'runs',
    edits: [
      edit(
        ownJournal,
        '        let result;\n        try {\n',
        '        let result;\n        if (fragments.length > 0) await this.#options.storage.commit({ id: null, scope: { user: this.#options.user }, statements: statements.splice(0, ends[0]) });\n        try {\n',
      ),
    ],
  },
  {
    name: 'starts an effect before its claim is durable',
    foundBy: 'runs',
    edits: [edit(effects, 'else if (!claimed)', 'else if (claimed)')],
  },
  {
    name: 'repeats an at-most-once effect whose outcome is unknown',
    foundBy: 'runs',
    edits: [edit(effects, "if (verdict === 'not' || !isAtMostOnce)", "if (verdict !== 'happened')")],
  },
  {
    name: 'removes a row from the inbox before it is in the journal',
    foundBy: 'runs',
    edits: [
      edit(
        runWriter,
        '        const own = [\n            ...(proves ?',
        '        if (rowIds.length > 0) await storage.commit({ id: null, scope: { user: this.user }, statements: inbox.remove(this.user, this.journal, rowIds).statements });\n        const own = [\n            ...(proves ?',
      ),
      edit(runWriter, '...(rowIds.length > 0 ? inbox.remove(this.user, this.journal, rowIds).statements : []),', ''),
    ],
  },
  {
    name: 'commits the end of a step apart from the decision of its run',
    foundBy: 'runs',
    edits: [
      edit(
        runWriter,
        'const result = await commitJoined(storage, { id: null, scope: { user: this.user }, statements, wake });',
        'if (pendingEnds.length > 0) await storage.commit({ id: null, scope: { user: this.user }, statements: statements.splice(own.length) });\n        const result = await commitJoined(storage, { id: null, scope: { user: this.user }, statements, wake });',
      ),
    ],
  },
  {
    name: 'abandons a step when a commit failed once',
    foundBy: 'runs',
    edits: [edit('runs/engine/execution/steps/step-launcher.js', 'this.#retryLater(flight);', 'void 0;')],
  },
  {
    name: 'never reports the outcome of a command',
    foundBy: 'runs',
    edits: [edit(applying, 'statements: [outcomeStatement, ...', 'statements: [...')],
  },
]

export const bugs: readonly Bug[] = [...storageBugs, ...contextBugs, ...messagingBugs, ...durableBugs]
