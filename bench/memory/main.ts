/**
 * What of a long conversation is still in the prompt when a question needs it, by the kind of memory: in the form of
 * LongMemEval (arXiv 2410.10813), with facts stated once, facts that are updated, and questions that need two of them. The
 * model is scripted, and its extraction of facts is perfect: the store and the retrieval are measured, no model's skill.
 *
 * node bench/memory/main.ts [threads] [messages of each]
 */
import { createTroupe, LlmAgent, type LlmAgentOptions } from 'troupe'
import { MockModel } from 'troupe/testing'

const [threads, messages] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 200)]
const maxTokens = 2_000

const subjects = [
  'dentist',
  'landlord',
  'cat',
  'bakery',
  'bicycle',
  'sister',
  'boss',
  'gym',
  'car',
  'garden',
  'flat',
  'piano',
].flatMap((noun) =>
  ['favourite colour for', 'address of', 'birthday of', 'budget for', 'phone code of'].map(
    (what) => `${what} my ${noun}`,
  ),
)
const fillers = [
  'Please rewrite this paragraph so that it sounds friendlier and has no more than three sentences in it',
  'Which of the two plans would you take for a weekend in the mountains, and which clothes would I need',
  'Here is the text of the letter that came today; tell me what it means and what I should do about it',
]

type Question = {
  readonly kind: 'once' | 'updated' | 'two facts'
  readonly text: string
  readonly needed: readonly string[]
  readonly old: readonly string[]
}

/** The same for the same seed. */
function threadOf(seed: number): { readonly lines: readonly string[]; readonly questions: readonly Question[] } {
  let last = seed
  const random = (limit: number) => {
    last = (last * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((last / 2 ** 31) * limit)
  }
  const chosen = subjects.map((subject) => ({ subject, order: random(1e6) })).sort((a, b) => a.order - b.order)
  const value = (i: number) => `V${seed}x${i}x${random(1e6)}`
  const lines = Array.from({ length: messages }, (_, i) => `${fillers[random(fillers.length)]} (${i}).`)
  const mention = (at: number, subject: string, is: string) => {
    lines[at] = `${lines[at]} By the way, the ${subject} is ${is}.`
  }
  const facts = chosen.slice(0, 30).map(({ subject }, i) => {
    const isUpdated = i % 3 === 1
    const [first, second] = [value(2 * i), value(2 * i + 1)]
    const at = random(Math.floor(messages / 2))
    mention(at, subject, first)
    if (isUpdated) mention(at + 1 + random(messages - at - 1), subject, second)
    return { subject, now: isUpdated ? second : first, old: isUpdated ? [first] : [] }
  })
  const questions = facts.map((fact, i): Question => {
    const other = facts[(i + 1) % facts.length] as (typeof facts)[number]
    if (i % 3 === 2)
      return {
        kind: 'two facts',
        text: `What are the ${fact.subject} and the ${other.subject}?`,
        needed: [fact.now, other.now],
        old: [...fact.old, ...other.old],
      }
    const kind = fact.old.length > 0 ? 'updated' : 'once'
    return { kind, text: `What is the ${fact.subject}?`, needed: [fact.now], old: fact.old }
  })
  return { lines, questions }
}

const textOf = (prompt: unknown): string => JSON.stringify(prompt)

/** Finds what was stated, and which known fact it replaces. */
function extraction(prompt: string): string {
  const known = [...prompt.matchAll(/(\d+)\. The user's (.+?) is /g)]
  const stated = prompt.slice(prompt.indexOf('The user wrote:'))
  const facts = [...stated.matchAll(/By the way, the (.+?) is (\w+)\./g)].map(([, subject, is]) => {
    const before = known.find((each) => each[2] === subject)
    return { text: `The user's ${subject} is ${is}.`, ...(before ? { replaces: Number(before[1]) } : {}) }
  })
  return JSON.stringify({ facts })
}

const kinds = ['once', 'updated', 'two facts'] as const
type Outcome = {
  readonly kind: Question['kind']
  readonly found: boolean
  readonly stale: boolean
  readonly tokens: number
}

async function measure(memory: NonNullable<LlmAgentOptions['memory']>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (let seed = 1; seed <= threads; seed++) {
    const { lines, questions } = threadOf(seed)
    let asked = ''
    const model = new MockModel({
      responses: Array.from(
        { length: 3 * (lines.length + questions.length) },
        () =>
          ({ prompt }: { prompt: unknown }) => {
            const text = textOf(prompt)
            if (text.includes('You keep the facts')) return extraction(text)
            asked = text
            return 'I see.'
          },
      ),
    })
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const session = troupe.user('ada').session(new LlmAgent({ name: 'Aide', model, memory }), { threadId: 'long' })
    for (const line of lines) {
      await session.generate(line)
      model.calls.length = 0
    }
    for (const { kind, text, needed, old } of questions) {
      await session.generate(text)
      const found = needed.every((each) => asked.includes(each))
      outcomes.push({ kind, found, stale: old.some((each) => asked.includes(each)), tokens: asked.length / 4 })
    }
  }
  return outcomes
}

const percent = (outcomes: readonly Outcome[], is: (outcome: Outcome) => boolean) =>
  `${Math.round((100 * outcomes.filter(is).length) / Math.max(1, outcomes.length))} %`

console.log(`${threads} conversations of ${messages} messages, 30 questions each, ${maxTokens} tokens of memory`)
console.log('in the prompt of the question:        once   updated   two facts   an old value too   tokens')
for (const [name, memory] of [
  ['everything', {}],
  ['the newest messages (truncation)', { maxTokens }],
  ['truncation and retrieval', { maxTokens, retrieval: { limit: 3 } }],
  ['compaction by rules', { compaction: { at: maxTokens, by: 'rules' } }],
  ['truncation and facts', { maxTokens, consolidate: true }],
] as const) {
  const outcomes = await measure(memory)
  const cells = kinds.map((kind) =>
    percent(
      outcomes.filter((each) => each.kind === kind),
      ({ found }) => found,
    ),
  )
  const tokens = outcomes.reduce((sum, each) => sum + each.tokens, 0) / outcomes.length
  const [once, updated, two] = cells as [string, string, string]
  const stale = percent(
    outcomes.filter(({ kind }) => kind === 'updated'),
    (each) => each.stale,
  )
  console.log(
    `${name.padEnd(36)} ${once.padStart(6)} ${updated.padStart(9)} ${two.padStart(11)} ${stale.padStart(18)} ${tokens.toFixed(0).padStart(8)}`,
  )
}
