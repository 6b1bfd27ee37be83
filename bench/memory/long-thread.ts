/**
 * Generated threads with questions of the kinds of LongMemEval (arXiv 2410.10813): sessions of chat in which facts are
 * stated once, among messages about other things. Every message has its date, as the sessions of LongMemEval have.
 */

export const kinds = [
  'single-session user',
  'single-session assistant',
  'preference',
  'multi-session',
  'temporal reasoning',
  'knowledge update',
  'abstention',
] as const
export type Kind = (typeof kinds)[number]

export type Question = {
  readonly kind: Kind
  readonly text: string
  /** The values that an answer needs; none for a question that nothing in the thread answers. */
  readonly needed: readonly string[]
  /** Values that were replaced, or that belong to something similar: an answer with one of them is wrong. */
  readonly wrong: readonly string[]
}

export type Message = {
  readonly text: string
  /** The answer of the assistant, which the scripted model gives. */
  readonly answer: string
}

export const questionsOfKind = 5
const messagesOfSession = 10

const nouns =
  'dentist landlord cat bakery bicycle sister boss gym car garden flat piano neighbour kitchen laptop dog tailor boat cellar aunt'.split(
    ' ',
  )
const attributes = ['favourite colour for', 'address of', 'birthday of', 'budget for', 'phone code of']
const fillers = [
  'Please rewrite this paragraph so that it sounds friendlier and has no more than three sentences in it',
  'Which of the two plans would you take for a weekend in the mountains, and which clothes would I need',
  'Here is the text of the letter that came today; tell me what it means and what I should do about it',
]
const tastes = ['hotel', 'restaurant', 'novel', 'film', 'train']
const events = 'repaired the roof,sold the tent,painted the fence,met the mayor,lost the keys,planted the oak'.split(
  ',',
)
const gifts = ['scarf', 'lamp', 'vase', 'clock', 'mug']

/** Returns the same thread for the same seed. */
export function threadOf(
  seed: number,
  count: number,
): { readonly messages: readonly Message[]; readonly questions: readonly Question[] } {
  let last = seed
  const random = (limit: number) => {
    last = (last * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((last / 2 ** 31) * limit)
  }
  const shuffled = <T>(all: readonly T[]): readonly T[] =>
    all
      .map((one) => ({ one, order: random(1e6) }))
      .toSorted((a, b) => a.order - b.order)
      .map(({ one }) => one)
  let values = 0
  const value = () => `V${seed}x${values++}x${random(1e6)}`
  const sessions = Math.floor(count / messagesOfSession)
  const dateOf = (at: number) =>
    new Date(Date.UTC(2026, 0, 1 + 3 * Math.floor(at / messagesOfSession))).toISOString().slice(0, 10)
  const messages = Array.from({ length: count }, (_, i) => ({
    text: `[${dateOf(i)}] ${fillers[random(fillers.length)]} (${i}).`,
    answer: 'I see.',
  }))
  const add = (at: number, addition: string, answer?: string) => {
    const message = messages[at] as (typeof messages)[number]
    message.text += ` ${addition}`
    if (answer !== undefined) message.answer = answer
  }
  const inSession = (session: number) => session * messagesOfSession + random(messagesOfSession)
  const anywhere = () => inSession(random(sessions))
  const subjects = shuffled(nouns.flatMap((noun) => attributes.map((attribute) => `${attribute} my ${noun}`)))
  let used = 0
  const subject = () => subjects[used++] as string
  const state = (at: number, of: string, is: string) => add(at, `By the way, the ${of} is ${is}.`)

  const questions = Array.from({ length: questionsOfKind }, (_, i): readonly Question[] => {
    const user = { of: subject(), is: value() }
    state(anywhere(), user.of, user.is)
    const suggested = { of: subject().replace(/^.* my /, 'my '), is: value() }
    add(
      anywhere(),
      `Please suggest a name for ${suggested.of}, draft ${i}.`,
      `I suggest the name ${suggested.is} for draft ${i} of ${suggested.of}.`,
    )
    const taste = { of: tastes[i] as string, is: value() }
    add(anywhere(), `Note that I only like a ${taste.of} with ${taste.is}.`)
    const purchases = [0, 1, 2].map((part) => ({
      part,
      is: value(),
      session: part * Math.floor(sessions / 3) + random(Math.floor(sessions / 3)),
    }))
    for (const { is, session } of purchases) add(inSession(session), `I bought a ${gifts[i]} for ${is}.`)
    const two = [events[i], events[i + 1]].map((event, part) => ({
      event: `${event} of number ${i}${part}`,
      at: inSession(random(sessions)),
    }))
    for (const { event, at } of two) add(at, `Today I ${event}.`)
    const update = { of: subject(), before: value(), is: value() }
    const early = random(Math.floor(sessions / 2))
    state(inSession(early), update.of, update.before)
    state(inSession(early + 1 + random(sessions - early - 1)), update.of, update.is)
    return [
      { kind: 'single-session user', text: `What is the ${user.of}?`, needed: [user.is], wrong: [] },
      {
        kind: 'single-session assistant',
        text: `Which name did you suggest for draft ${i} of ${suggested.of}?`,
        needed: [suggested.is],
        wrong: [],
      },
      { kind: 'preference', text: `Can you recommend a ${taste.of} for next week?`, needed: [taste.is], wrong: [] },
      {
        kind: 'multi-session',
        text: `For whom have I bought a ${gifts[i]}?`,
        needed: purchases.map(({ is }) => is),
        wrong: [],
      },
      {
        kind: 'temporal reasoning',
        text: `Which came first: that I ${two[0]?.event}, or that I ${two[1]?.event}?`,
        needed: two.map(({ event, at }) => `${dateOf(at)}: ${event}`),
        wrong: [],
      },
      { kind: 'knowledge update', text: `What is the ${update.of}?`, needed: [update.is], wrong: [update.before] },
      { kind: 'abstention', text: `What is the ${subject()}?`, needed: [], wrong: [] },
    ]
  })
  return { messages, questions: shuffled(questions.flat()) }
}
