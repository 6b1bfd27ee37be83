/**
 * The questions of a long thread that can be answered from the prompt, by the kind of memory and of question, in the form
 * of LongMemEval (arXiv 2410.10813). The threads are generated. The model is scripted: it answers nothing, and its
 * extraction of facts is perfect. So storage and retrieval are measured, no model's skill, and the results cannot be
 * compared with published ones of LongMemEval.
 *
 * node bench/memory/main.ts [threads] [messages of each]
 */
import { createTroupe, LlmAgent, type LlmAgentOptions } from 'troupe'
import { MockModel } from 'troupe/testing'
import { type Kind, kinds, type Message, type Question, questionsOfKind, threadOf } from './long-thread.ts'

const [threads, count] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 300)]
const maxTokens = 2_000

type Outcome = {
  readonly kind: Kind
  readonly found: boolean
  readonly stale: boolean
  readonly tokens: number
}

/** Finds the facts of a message, as a perfect model would, and which known fact each replaces. */
function extraction(prompt: string): string {
  const known = [...prompt.matchAll(/(\d+)\. The user's (.+?) is /g)]
  const stated = prompt.slice(prompt.indexOf('The user wrote:'))
  const [, date = ''] = /\[(\d{4}-\d\d-\d\d)\]/.exec(stated) ?? []
  const facts = [
    ...[...stated.matchAll(/By the way, the (.+?) is (\w+)\./g)].map(([, subject, is]) => {
      const before = known.find((each) => each[2] === subject)
      return { text: `The user's ${subject} is ${is}.`, ...(before ? { replaces: Number(before[1]) } : {}) }
    }),
    ...[...stated.matchAll(/I only like (a .+? with \w+)\./g)].map(([, taste]) => ({
      text: `The user only likes ${taste}.`,
    })),
    ...[...stated.matchAll(/I bought (a \w+ for \w+)\./g)].map(([, gift]) => ({ text: `The user bought ${gift}.` })),
    ...[...stated.matchAll(/Today I (.+?)\./g)].map(([, event]) => ({ text: `On ${date} the user ${event}.` })),
  ]
  return JSON.stringify({ facts })
}

type Prompt = readonly { readonly content: string | readonly { readonly text?: string }[] }[]

const linesOf = (prompt: Prompt): readonly string[] =>
  prompt.flatMap(({ content }) =>
    (typeof content === 'string' ? [content] : content.map(({ text = '' }) => text)).flatMap((text) =>
      text.split('\n'),
    ),
  )

/** A needed `date: event` must be in one message or note. A question without an answer must find no statement of its subject. */
function outcomeOf({ kind, text, needed, wrong }: Question, lines: readonly string[]): Outcome {
  const has = (value: string) => lines.some((line) => value.split(': ').every((part) => line.includes(part)))
  const statement = `${/^What is the (.*)\?$/.exec(text)?.[1]} is `
  return {
    kind,
    found: kind === 'abstention' ? !has(statement) : needed.every(has),
    stale: wrong.some(has),
    tokens: lines.join('\n').length / 4,
  }
}

function scriptedModel(messages: readonly Message[], onPrompt: (lines: readonly string[]) => void): MockModel {
  const answers = new Map(messages.map(({ text, answer }) => [text, answer]))
  return new MockModel({
    responses: Array.from(
      { length: 3 * (messages.length + kinds.length * questionsOfKind) },
      () =>
        ({ prompt }: { prompt: unknown }) => {
          const lines = linesOf(prompt as Prompt)
          if (lines.some((line) => line.startsWith('You keep the facts'))) return extraction(lines.join('\n'))
          onPrompt(lines)
          return answers.get(lines.at(-1) ?? '') ?? 'I see.'
        },
    ),
  })
}

async function measure(memory: NonNullable<LlmAgentOptions['memory']>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (let seed = 1; seed <= threads; seed++) {
    const { messages, questions } = threadOf(seed, count)
    let asked: readonly string[] = []
    const model = scriptedModel(messages, (lines) => {
      asked = lines
    })
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const session = troupe.user('ada').session(new LlmAgent({ name: 'Aide', model, memory }), { threadId: 'long' })
    const send = async (text: string) => {
      await session.generate(text)
      model.calls.length = 0
    }
    for (const { text } of messages) await send(text)
    for (const question of questions) {
      await send(question.text)
      outcomes.push(outcomeOf(question, asked))
    }
  }
  return outcomes
}

const share = (outcomes: readonly Outcome[], is: (outcome: Outcome) => boolean): string =>
  `${Math.round((100 * outcomes.filter(is).length) / Math.max(1, outcomes.length))} %`

const memories = {
  everything: {},
  'the newest messages (truncation)': { maxTokens },
  'truncation and retrieval': { maxTokens, retrieval: { limit: 3 } },
  'truncation and facts': { maxTokens, consolidate: true },
  'truncation, retrieval and facts': { maxTokens, retrieval: { limit: 3 }, consolidate: true },
  'compaction by rules': { compaction: { at: maxTokens, by: 'rules' } },
  'compaction by rules, and facts': { compaction: { at: maxTokens, by: 'rules' }, consolidate: true },
} as const

console.log(
  `${threads} threads of ${count} messages, ${questionsOfKind} questions of each kind, ${maxTokens} tokens of memory\n`,
)
console.log(`| memory | ${kinds.join(' | ')} | an old value too | tokens |`)
console.log(`|---${'|---'.repeat(kinds.length + 2)}|`)
for (const [name, memory] of Object.entries(memories)) {
  const outcomes = await measure(memory)
  const of = (kind: Kind) => outcomes.filter((each) => each.kind === kind)
  const cells = kinds.map((kind) => share(of(kind), ({ found }) => found))
  const stale = share(of('knowledge update'), (each) => each.stale)
  const tokens = outcomes.reduce((sum, each) => sum + each.tokens, 0) / outcomes.length
  console.log(`| ${[name, ...cells, stale, tokens.toFixed(0)].join(' | ')} |`)
}
