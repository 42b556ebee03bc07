import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";

import { MadeBy, MockMark, originText } from "./MadeBy";

describe("the origin of an item", () => {
  it("is told in words", () => {
    expect(["import", "person", "mock", "claude-sonnet-5-5"].map(originText)).toEqual([
      "Imported",
      "Added by a person",
      "Made by the mock model",
      "Made by claude-sonnet-5-5",
    ]);
  });

  it("is not told where it is unknown", () => {
    const { container } = render(<MadeBy madeBy={null} />);
    expect(container).toBeEmptyDOMElement();
  });

  it("marks the mock model's output alone", () => {
    const { rerender, container } = render(<MockMark madeBy="mock" />);
    expect(screen.getByTitle("Made by the mock model")).toHaveTextContent("Made by the mock model");
    rerender(<MockMark madeBy="claude-sonnet-5-5" />);
    expect(container).toBeEmptyDOMElement();
  });
});
