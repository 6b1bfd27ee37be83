/** What the server refuses, as it says it (RFC 9457). */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly hint: string | undefined

  constructor(status: number, problem: { readonly detail?: string; readonly code?: string; readonly hint?: string }) {
    super(problem.detail ?? `The server answered with ${status}.`)
    this.status = status
    this.code = problem.code ?? 'server.unknown'
    this.hint = problem.hint
  }
}

export const offline = (): Problem =>
  new Problem(0, {
    detail: 'The server cannot be reached.',
    code: 'server.unreachable',
    hint: 'Is it running? This page tries again by itself.',
  })
