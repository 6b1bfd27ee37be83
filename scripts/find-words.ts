/**
 * Questions of an engineer who is new to the sources, each with the word to search for and the file or folder that
 * answers it. A word finds its place if at most three files contain it and the place is among them:
 * `git grep -l WORD packages/troupe/src`. A noun of the field is of little use for that, because each module that uses a
 * thing names it; the words are therefore what a function that does the work would be called.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const sources = 'packages/troupe/src'
const root = fileURLToPath(new URL('..', import.meta.url))

export interface Question {
  readonly question: string
  readonly word: string
  /** Below the sources; a folder ends in `/`. */
  readonly answer: string
}

const ask = (question: string, word: string, answer: string): Question => ({ question, word, answer })

export const questions: readonly Question[] = [
  ask('Where does a circuit breaker open?', 'openCircuit', 'resilience/'),
  ask('Where are the pauses between retries computed?', 'exponential backoff', 'resilience/'),
  ask('Where does a bulkhead schedule its queue?', 'fair queueing', 'resilience/'),
  ask('Where does a rate limiter count calls?', 'sliding window', 'resilience/'),
  ask('Where does a run draw from a budget?', 'drawBudget', 'runs/engine/budgets/'),
  ask('Where is an old owner fenced off?', 'fencing token', 'journal/'),
  ask('Where is the epoch of an owner raised?', 'raiseEpoch', 'journal/'),
  ask('Where is a run taken over?', 'takeOverRun', 'runs/engine/ownership/'),
  ask('Where is the lease of a process renewed?', 'renewProcessLease', 'runs/engine/ownership/'),
  ask('Where is the lease of a delivered message renewed?', 'renewLease', 'messaging/'),
  ask('Where is a snapshot of a journal written?', 'writeSnapshot', 'journal/'),
  ask('Where is a replay compared with its record?', 'compareReplay', 'runs/history/'),
  ask('Where are the steps of a fork copied?', 'forkSteps', 'runs/engine/forks/'),
  ask('Where are the breakpoints of a run read?', 'breakpointsIn', 'runs/machine/'),
  ask('Where is the quorum of a join counted?', 'quorumOf', 'runs/machine/joins/'),
  ask('Where are cycles of a topology found?', 'findCycles', 'topology/'),
  ask('Where is a topology drawn with Mermaid?', 'mermaid', 'cli/commands/'),
  ask('Where does a message become a dead letter?', 'moveToDeadLetters', 'messaging/'),
  ask('Where is a dead letter sent again?', 'redriveDeadLetter', 'messaging/'),
  ask('Where does backpressure reject a message?', 'applyBackpressure', 'messaging/'),
  ask('Where is a duplicate message detected?', 'isDuplicate', 'messaging/'),
  ask('Where is a message signed?', 'hmac', 'security/'),
  ask('Where are workers restarted together?', 'one-for-all', 'messaging/supervision/'),
  ask('Where does presence send heartbeats?', 'sendHeartbeat', 'messaging/'),
  ask('Where is the audience of an entry decided?', 'audienceOf', 'context/'),
  ask('Where do entries expire?', 'expireEntries', 'context/'),
  ask('Where is compare-and-set of an entry?', 'compare-and-set', 'context/'),
  ask('Where are values encrypted?', 'createCipher', 'security/encryption/'),
  ask('Where are data keys rewrapped?', 'rewrapDataKeys', 'security/encryption/'),
  ask('Where does the policy decide a tool call?', 'decideCall', 'security/taint/'),
  ask("Where is the root of the audit log's Merkle tree computed?", 'merkleRoot', 'security/audit/'),
  ask('Where are private addresses rejected?', 'privateAddressReason', 'security/egress/'),
  ask('Where is row-level security made?', 'row level security', 'storage/postgres/'),
  ask('Where does SQLite choose its write-ahead log?', 'journal_mode', 'storage/sqlite/'),
  ask('Where is LISTEN of PostgreSQL used?', 'ListenConnection', 'storage/postgres/'),
  ask('Where are migrations applied?', 'applyMigrations', 'storage/'),
  ask('Where are server-sent events written?', 'text/event-stream', 'server/'),
  ask('Where is a JWT verified?', 'jwtVerify', 'server/access/'),
  ask('Where is BM25 computed?', 'bm25', 'documents/ranking/'),
  ask('Where is a cassette replayed?', 'replayedStream', 'models/cassettes/'),
]

/** Returns the sources that contain a word in any case; no tests or generated files, and no lists of exports. */
export function filesWith(word: string): readonly string[] {
  const exclude = [':!*.test.ts', ':!*.test.fixture.ts', ':!*/generated/*', ':!*/index.ts']
  const { stdout } = spawnSync('git', ['grep', '-liF', '-e', word, '--', sources, ...exclude], {
    cwd: root,
    encoding: 'utf8',
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((path) => path.slice(sources.length + 1))
}

const maxFiles = 3

export function isFound({ word, answer }: Question): boolean {
  const found = filesWith(word)
  return found.length <= maxFiles && found.some((path) => path.startsWith(answer))
}
