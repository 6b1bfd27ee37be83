/** Shows code with the colours of its language. It loads, with the parser of that language, when code is shown for the first time. */
import type { LanguageSupport } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { codeStyle } from './code-style.ts'
import { repeatedly } from './load-part.ts'

/** CodeMirror has the parser of each language in a package of its own. */
const languages = {
  TypeScript: () => import('@codemirror/lang-javascript').then(({ javascript }) => javascript({ typescript: true })),
  YAML: () => import('@codemirror/lang-yaml').then(({ yaml }) => yaml()),
} as const satisfies Readonly<Record<string, () => Promise<LanguageSupport>>>
export type CodeLanguage = keyof typeof languages

interface CodeViewProps {
  readonly label: string
  readonly text: string
  readonly language: CodeLanguage
}

export default function CodeView({ label, text, language }: CodeViewProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    let isShown = true
    let view: EditorView | undefined
    void repeatedly(languages[language])().then((support) => {
      if (!isShown || !box.current) return
      view = new EditorView({
        parent: box.current,
        state: EditorState.create({
          doc: text,
          extensions: [
            lineNumbers(),
            support,
            EditorState.readOnly.of(true),
            EditorView.editable.of(false),
            // The keyboard scrolls what has the focus.
            EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true', tabindex: '0' }),
            codeStyle,
          ],
        }),
      })
    })
    return () => {
      isShown = false
      view?.destroy()
    }
  }, [label, text, language])
  return <div className="editor" ref={box} />
}
