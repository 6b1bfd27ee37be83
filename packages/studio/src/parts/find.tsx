/** Looks for something in a list: what is typed counts when it is sent, and what is looked for already stands there. */

import { type ReactNode, useEffect, useState } from 'react'
import { Button, Flex } from './ui.tsx'

interface FindProps {
  readonly label: string
  readonly text: string
  readonly find: (text: string) => void
  /** Before the words. */
  readonly children?: ReactNode
}

export function Find({ label, text, find, children }: FindProps) {
  const [typed, setTyped] = useState(text)
  useEffect(() => setTyped(text), [text])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        find(typed)
      }}
    >
      <Flex gap="2" mb="3" wrap="wrap">
        {children}
        <input
          type="search"
          className="grow"
          aria-label={label}
          placeholder={`${label} …`}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
        <Button type="submit">Find</Button>
      </Flex>
    </form>
  )
}
