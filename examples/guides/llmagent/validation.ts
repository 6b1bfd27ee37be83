/** A schema validates input before an agent executes. A text is escaped where a page displays it, and not changed before. */
import { createTroupe, defineAgent } from 'troupe'
import { escapeHtml } from 'troupe/tools'
import { z } from 'zod'

export const userData = z
  .object({
    name: z
      .string()
      .trim()
      .max(100)
      .regex(/^[\p{L}\s]+$/u),
    email: z.email().toLowerCase(),
    age: z.number().min(0).max(150),
  })
  .partial()

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const secure = defineAgent({ name: 'Secure', inputSchema: userData, run: (data) => data })
  const ask = async (data: { readonly [field: string]: string | number }) => {
    const outcome = await troupe.user('ada').session(secure).run(data)
    return 'error' in outcome ? outcome.error.name : outcome.output
  }
  return {
    good: await ask({ name: ' Ada Lovelace ', email: 'Ada@Example.org', age: 36 }),
    rejected: await Promise.all([
      ask({ name: 'x'.repeat(101) }),
      ask({ name: 'R2D2' }),
      ask({ email: 'no' }),
      ask({ age: 151 }),
    ]),
    shown: escapeHtml('<script>alert("x")</script>'),
  }
}

if (import.meta.main) console.log(await main())
