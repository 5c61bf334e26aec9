import React, { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Marketplace() {
  const [equipment, setEquipment] = useState([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    fetch("/api/equipment")
      .then((answer) => answer.json())
      .then(setEquipment)
      .catch((failure) => setProblem(failure.message));
  }, []);
  return (
    <>
      <h1>Equipment Marketplace</h1>
      {problem && <p role="alert">{problem}</p>}
      <ul>{equipment.map((each) => <li key={each.id}>{each.name}: {(each.cents / 100).toFixed(2)} a day</li>)}</ul>
    </>
  );
}

createRoot(document.getElementById("root")).render(<Marketplace />);
