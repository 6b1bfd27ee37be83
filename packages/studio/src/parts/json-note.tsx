/** Warns below a field for text or JSON: a text that looks like JSON and is none is used as text. */
import { jsonProblem } from './from-text.ts'
import { Text } from './ui.tsx'

export function JsonNote({ text }: { readonly text: string }) {
  const problem = jsonProblem(text)
  return (
    <div role="status">
      {problem !== undefined && (
        <Text as="p" color="red" mt="1" className="break">
          This is not JSON, so it is used as text: {problem}
        </Text>
      )}
    </div>
  )
}
