/** The keys most like one that was not found, among those that the agent can see. */

import { type ContextClient, isAllowed, isToolContext } from '../../context/index.ts'
import { nearest, TroupeError } from '../../core/index.ts'

const maxSimilar = 5
const maxKeys = 200

export async function similarKeys(context: ContextClient, key: string): Promise<readonly string[]> {
  // An agent that may not list keys gets none, and no rejection is recorded.
  if (isToolContext(context) && !context[isAllowed]('list_context_keys')) return []
  const family = key.slice(0, key.indexOf('.') + 1)
  try {
    const relatives = (await context.keys({ prefix: family, limit: maxKeys })).items
    const known = new Set(
      relatives.length > 0 || family === '' ? relatives : (await context.keys({ limit: maxKeys })).items,
    )
    const similar: string[] = []
    for (
      let like = nearest(key, known);
      like !== undefined && similar.length < maxSimilar;
      like = nearest(key, known)
    ) {
      similar.push(like)
      known.delete(like)
    }
    return similar
  } catch (error) {
    if (error instanceof TroupeError && error.status === 403) return []
    throw error
  }
}
