/** The mistakes that the guide warns of: each is refused, impossible, or told of. */
import { createTroupe } from 'troupe'
import { toOpenAI } from 'troupe/tools'

export async function main() {
  const reported: string[] = []
  let closed = false
  {
    // Closed at the end of this block, whatever happens in it.
    await using troupe = await createTroupe({ storage: 'memory:', requireUserId: true, log: 'silent' })
    troupe.on('*', ({ type }) => reported.push(type))

    // A context that is shared between users: there is none, and the scope for those who name none is off.
    try {
      troupe.user('default')
    } catch (error) {
      reported.push((error as Error).name)
    }

    // An agent that may do everything: name what it needs.
    const reader = troupe.user('user_123').agent('Reader', { allow: ['get_context', 'list_context'] })

    // A result that nobody looks at: counted, and warned about in development.
    await reader.tools.call('push_context', { key: 'data', value: 'value' })

    // The way it is done.
    const { success, error } = await reader.tools.call('push_context', { key: 'data', value: 'value' })
    if (!success) reported.push(String(error))
    reported.push(`${toOpenAI(reader.tools).tools.length} tools`)
    closed = true
  }
  return { reported, closed }
}

if (import.meta.main) console.log(await main())
