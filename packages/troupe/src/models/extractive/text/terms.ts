/** The words of a text that carry meaning, in lower case and without their English endings, for comparing texts. */
const word = /[\p{L}\p{N}]+/gu
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

const stopWords = new Set(
  `a about after all also am an and any are as at be because been before being between both but by can could did do
  does doing each every few for from had has have having he her here his how i if in into is it its itself just many
  may me might more most much must my no nor not of on once one only or other our out over own please s same shall she
  should so some such t tell than that the their them then there these they this those through to too under until up
  us very was we were what when where whether which while who whom whose why will with would you your`.split(/\s+/),
)

/** The terms of a text in order, with repetitions. */
export function termsOf(text: string): string[] {
  const terms: string[] = []
  for (const [token] of text.matchAll(word)) {
    if (unspaced.test(token)) terms.push(...pairs(token))
    else for (const part of [token, ...parts(token)]) add(part, terms)
  }
  return terms
}

/** Whether a word stands for a thing rather than holding a sentence together. */
export function isSignificant(token: string): boolean {
  return !stopWords.has(token.toLowerCase())
}

function add(token: string, terms: string[]): void {
  const lower = token.toLowerCase()
  if (!stopWords.has(lower)) terms.push(stem(lower))
}

function parts(token: string): string[] {
  return /[a-z][A-Z]/.test(token) ? token.split(/(?<=[a-z0-9])(?=[A-Z])/) : []
}

function stem(term: string): string {
  if (term.length < 4 || !/^[a-z]+$/.test(term)) return term
  if (/ie[sd]$/.test(term) && term.length > 4) return `${term.slice(0, -3)}y`
  let base = term
  if (/(?:ss|x|sh)es$/.test(term)) base = term.slice(0, -2)
  else if (/[^su]s$/.test(term)) base = term.slice(0, -1)
  else if (term.length > 5 && term.endsWith('ing')) base = undoubled(term.slice(0, -3))
  else if (term.length > 5 && term.endsWith('ed')) base = undoubled(term.slice(0, -2))
  return base.length > 4 && base.endsWith('e') ? base.slice(0, -1) : base
}

function undoubled(term: string): string {
  return /([bdgmnprt])\1$/.test(term) ? term.slice(0, -1) : term
}

function pairs(token: string): string[] {
  const characters = [...token]
  if (characters.length === 1) return characters
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
}
