/** Input is held to a schema before any code sees it. What is shown in a page is escaped there, and not stripped here. */
import { createTroupe, defineAgent } from 'troupe'
import { z } from 'zod'

const text = (max = 1_000) => z.string().trim().max(max)

export const userData = z
  .object({
    name: text(100).regex(/^[\p{L}\s]+$/u),
    email: z.email().toLowerCase(),
    // Neither NaN nor infinity is a number here.
    age: z.number().min(0).max(150),
  })
  .partial()

const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escapeHtml = (value: string): string => value.replace(/[&<>"']/g, (mark) => marks[mark] ?? mark)

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
