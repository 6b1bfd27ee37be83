/** What an error means: whether an expectation failed, the change may be tried again, or the server is away. */

/** Raised by our own functions. */
const raised = { unexpected: 'TR001', repeated: 'TR002' }

export type Meaning =
  /** `statement` as it was numbered, with what was found. */
  | { readonly kind: 'unexpected'; readonly statement: number; readonly found: number }
  /** The change was committed before. */
  | { readonly kind: 'repeated' }
  /** A row with that key is there already. */
  | { readonly kind: 'taken' }
  /** Nothing was done; the whole may be repeated. */
  | { readonly kind: 'again' }
  /** The connection is of no use any more; whether what was sent was done is not known. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'full' }
  /** The transaction had failed before. */
  | { readonly kind: 'aborted' }
  | { readonly kind: 'writes' }
  /** The server let it wait too long. */
  | { readonly kind: 'slow' }
  | { readonly kind: 'invalid' }

const kinds: Readonly<Record<string, Exclude<Meaning['kind'], 'unexpected'>>> = {
  [raised.repeated]: 'repeated',
  '23505': 'taken',
  '40001': 'again',
  '40P01': 'again',
  '55P03': 'again',
  '25P02': 'aborted',
  '25006': 'writes',
  '57014': 'slow',
  '53100': 'full',
  '25P03': 'lost',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P03': 'lost',
  '57P05': 'lost',
}

export function meaningOf(error: unknown): Meaning {
  const code = sqlState(error)
  // Without a state it is not from the server but from the socket or from pg.
  if (code === undefined || code.startsWith('08') || code.startsWith('53'))
    return { kind: kinds[code ?? ''] === 'full' ? 'full' : 'lost' }
  if (code === raised.unexpected) {
    const [statement = 0, found = 0] = messageOf(error).split(' ').map(Number)
    return { kind: 'unexpected', statement, found }
  }
  // A statement prepared before the tables were changed: made anew on another connection.
  if (code === '0A000' && messageOf(error).startsWith('cached plan')) return { kind: 'lost' }
  return { kind: kinds[code] ?? 'invalid' }
}

/** Only the server's errors have a severity; `EPIPE` would pass for a state. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export const messageOf = (error: unknown): string =>
  error instanceof AggregateError && error.errors.length > 0
    ? messageOf(error.errors[0])
    : error instanceof Error
      ? error.message
      : String(error)
