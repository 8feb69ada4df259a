// Lets the SDK read Gemini's errors, which come wrapped in a list, so that people see the reason and not "no body".

const maxErrorChars = 20_000;

/** A fetch whose failed answers have a plain error body of bounded size. */
export function withPlainErrors(fetchIt: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await fetchIt(input, init);
    if (response.ok) return response;

    const text = unwrapped((await response.text()).slice(0, maxErrorChars));
    const { status, statusText, headers } = response;

    return new Response(text, { status, statusText, headers });
  };
}

function unwrapped(text: string): string {
  if (!text.trimStart().startsWith('[')) return text;

  try {
    const [first]: unknown[] = JSON.parse(text);

    return JSON.stringify(first ?? null);
  } catch {
    return text;
  }
}
