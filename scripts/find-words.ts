/**
 * Questions of an engineer who is new to the sources, each with the word that the field has for the thing and the file or
 * folder that answers it. There are two measures. A word finds its place if that is among the three files with the most
 * lines that contain the word: `git grep -c WORD`, sorted. A word is unique if at most three files contain it at all and the
 * place is among them: `git grep -l WORD`. The words of the field are unique in few cases, because every module that uses a
 * thing names it.
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
  ask('Where does a circuit breaker open?', 'CircuitBreaker', 'resilience/'),
  ask('Where are retries and their pauses computed?', 'backoff', 'resilience/'),
  ask('Where does a bulkhead bound concurrent calls?', 'bulkhead', 'resilience/'),
  ask('Where is a rate limit enforced?', 'RateLimiter', 'resilience/'),
  ask('Where is a budget reserved?', 'reserve', 'journal/'),
  ask('Where is the fencing of an old owner?', 'fenc', 'journal/'),
  ask('Where is the epoch of an owner raised?', 'epoch', 'journal/'),
  ask('Where is a run taken over?', 'takeover', 'runs/engine/ownership/'),
  ask('Where is a lease of a process renewed?', 'renew', 'runs/engine/'),
  ask('Where is a snapshot of a journal written?', 'snapshot', 'journal/'),
  ask('Where is a replay compared with its record?', 'verifyReplay', 'runs/history/'),
  ask('Where is a run forked?', 'fork', 'runs/engine/forks/'),
  ask('Where are breakpoints checked?', 'breakpoint', 'runs/machine/'),
  ask('Where is a quorum of a join counted?', 'quorum', 'runs/machine/'),
  ask('Where are cycles of a topology found?', 'cycle', 'topology/'),
  ask('Where is a topology drawn with Mermaid?', 'mermaid', 'cli/commands/'),
  ask('Where is a dead letter made?', 'deadLetter', 'messaging/'),
  ask('Where is a dead letter sent again?', 'redrive', 'messaging/'),
  ask('Where does backpressure reject a message?', 'backpressure', 'messaging/'),
  ask('Where is a duplicate message detected?', 'dedupe', 'messaging/'),
  ask('Where is a message signed?', 'hmac', 'security/'),
  ask('Where are workers restarted?', 'one-for-all', 'messaging/supervision/'),
  ask('Where does presence send heartbeats?', 'heartbeat', 'messaging/'),
  ask('Where is the audience of an entry decided?', 'audience', 'context/'),
  ask('Where does a watch resync?', 'resync', 'context/'),
  ask('Where do entries expire?', 'ttl', 'context/'),
  ask('Where is compare-and-set of an entry?', 'ifVersion', 'context/'),
  ask('Where are values encrypted?', 'cipher', 'security/encryption/'),
  ask('Where are data keys rewrapped?', 'rewrap', 'security/encryption/'),
  ask('Where is taint checked?', 'taint', 'security/taint/'),
  ask('Where is the audit log a Merkle tree?', 'merkle', 'security/audit/'),
  ask('Where are private addresses refused?', 'privateAddress', 'security/egress/'),
  ask('Where is row-level security made?', 'row level security', 'storage/postgres/'),
  ask('Where does SQLite write ahead?', 'journal_mode', 'storage/sqlite/'),
  ask('Where is LISTEN of PostgreSQL used?', 'ListenConnection', 'storage/postgres/'),
  ask('Where are migrations applied?', 'migrate', 'storage/'),
  ask('Where are server-sent events written?', 'text/event-stream', 'server/'),
  ask('Where is a JWT verified?', 'jwt', 'server/access/'),
  ask('Where is BM25 computed?', 'bm25', 'documents/ranking/'),
  ask('Where is a cassette replayed?', 'cassette', 'models/cassettes/'),
]

/** Returns the sources that contain a word in any case, those with the most such lines first; no tests or generated files. */
export function filesWith(word: string): readonly string[] {
  const exclude = [':!*.test.ts', ':!*.test.fixture.ts', ':!*/generated/*', ':!*/index.ts']
  const { stdout } = spawnSync('git', ['grep', '-ciF', '-e', word, '--', sources, ...exclude], {
    cwd: root,
    encoding: 'utf8',
  })
  const files = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({
      path: line.slice(sources.length + 1, line.lastIndexOf(':')),
      count: Number(line.split(':').at(-1)),
    }))
  return files.sort((a, b) => b.count - a.count).map(({ path }) => path)
}

const maxFiles = 3

export const isFound = ({ word, answer }: Question): boolean =>
  filesWith(word)
    .slice(0, maxFiles)
    .some((path) => path.startsWith(answer))

export const isUnique = (question: Question): boolean =>
  isFound(question) && filesWith(question.word).length <= maxFiles
