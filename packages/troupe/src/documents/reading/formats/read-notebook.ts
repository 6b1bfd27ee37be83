/** A Jupyter notebook as Markdown: its texts as they are, its code in fences; outputs are left out. */
import { z } from 'zod'

const Notebook = z.object({
  metadata: z.object({ language_info: z.object({ name: z.string() }).optional() }).optional(),
  cells: z.array(z.object({ cell_type: z.string(), source: z.union([z.string(), z.array(z.string())]) })),
})

/** @throws for JSON that is no notebook of format 4 */
export async function readNotebook(bytes: Uint8Array): Promise<string> {
  const { data: notebook } = Notebook.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
  if (!notebook) throw new Error('it is not a notebook of format 4')
  const { cells, metadata } = notebook
  const language = metadata?.language_info?.name ?? ''
  return cells
    .map(({ cell_type, source }) => {
      const text = typeof source === 'string' ? source : source.join('')
      return cell_type === 'code' ? `\`\`\`${language}\n${text}\n\`\`\`` : text
    })
    .join('\n\n')
}
