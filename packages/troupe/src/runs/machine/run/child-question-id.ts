/** The id under which a run shows the question of a child run. */

export const childQuestionId = (run: string, question: string): string => `${run}::${question}`

/** Returns the child run that asked, and the id of the question in that run. */
export function childQuestionOf(question: string): { readonly run: string; readonly question: string } | undefined {
  const at = question.indexOf('::')
  return at < 0 ? undefined : { run: question.slice(0, at), question: question.slice(at + 2) }
}
