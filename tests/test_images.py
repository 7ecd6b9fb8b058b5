"""The pictures of an article: one row for each, with its caption and, apart from it, its credit."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

import pytest
from smallpages import meta, read, tell

from transforms.page.judge.pictures import picture_key
from transforms.page.read.captions import split_credit


def figure(url: str, *texts: str) -> str:
    return f"<figure><img src='{url}'>{''.join(f'<figcaption>{text}</figcaption>' for text in texts)}</figure>"


@pytest.mark.parametrize(
    ("text", "caption", "credit"),
    [
        ("The quay. Photo: Jon Vance", "The quay.", "Jon Vance"),
        ("Der Kai (Foto: dpa)", "Der Kai", "dpa"),
        ("The quay © Getty Images", "The quay", "Getty Images"),
        ("The quay, Nov. 19, 2019. (Manu Fernandez/AP)", "The quay, Nov. 19, 2019.", "Manu Fernandez/AP"),
        ("The quay in Fla. (AP Photo/Alan T. Diaz, File)", "The quay in Fla.", "AP Photo/Alan T. Diaz, File"),
        ("The quay is closed. Jaafar ASHTIYEH / AFP", "The quay is closed.", "Jaafar ASHTIYEH / AFP"),
        ("El muelle en Madrid. EFE/ J.J. Guillén", "El muelle en Madrid.", "EFE/ J.J. Guillén"),
        ("Der Kai in LuschnikiBild: Eva Klein/dpa/picture alliance", "Der Kai in Luschniki", "Eva Klein/dpa/picture alliance"),
        ("Image source, Getty Images Image caption, The quay at low tide", "The quay at low tide", "Getty Images"),
        ("岸壁（警視庁提供）", "岸壁", "警視庁提供"),
        ("A quay, seen in 2014Image: Eva Klein/dpa", "A quay, seen in 2014", "Eva Klein/dpa"),
        ("They ‘look their best’ at the quay Jon Vance/AP", "They ‘look their best’ at the quay Jon Vance/AP", ""),
        # nothing but a credit
        ("Joshua Roberts / Reuters", "", "Joshua Roberts / Reuters"),
        ("(Reed Saxon / Associated Press)", "", "Reed Saxon / Associated Press"),
        ("Photograph: Jon Vance; Getty Images", "", "Jon Vance; Getty Images"),
        ("Shutterstock", "", "Shutterstock"),
        # words of the interface
        ("Caption Close Image 1 of 5", "", ""),
        ("Media captionThe quay at low tide", "The quay at low tide", ""),
        ("1/5 The quay at low tide", "The quay at low tide", ""),
        ("Foto: Harbour Office Vis mer", "", "Harbour Office"),
        # texts that only have such words in them
        ("A photo of the quay", "A photo of the quay", ""),
        ("He took the picture by the lake", "He took the picture by the lake", ""),
        ("Closed since May: pictures of a quay", "Closed since May: pictures of a quay", ""),
        ("The mayor (left) and the harbour master (right)", "The mayor (left) and the harbour master (right)", ""),
        ("Credit unions in the north are growing", "Credit unions in the north are growing", ""),
        ("Image: Ann Lee, left, has been made the manager of the harbour", "Ann Lee, left, has been made the manager of the harbour", ""),
    ],
)  # fmt: skip
def test_caption_and_credit_are_split(text: str, caption: str, credit: str) -> None:
    assert split_credit(text) == (caption, credit)


@pytest.mark.parametrize(
    "urls",
    [
        ("https://a.example/1200x800/quay-at-noon.jpg", "https://a.example/quay-at-noon-300x200.jpg?w=300", "/quay-at-noon.jpg.webp"),
        ("https://a.example/img/9a1b2c3d4e5f/0_0_5000_3000/master/5000.jpg", "https://a.example/img/9a1b2c3d4e5f/0_0_5000_3000/500.jpg"),
        ("https://a.example/_next/image?url=https%3A%2F%2Fb.example%2Fquay-at-noon.jpg&w=640", "https://b.example/quay-at-noon.jpg"),
        ("https://a.example/resize/640x480/https://b.example/p/quay-at-noon.jpg", "https://b.example/p/quay-at-noon.jpg"),
        ("https://a.example/photos/01/18635622/3/rawImage.jpg", "https://a.example/photos/01/18635622/3/square_gallery_thumb.jpg"),
        ("https://a.example/2019/eisenbahn/wide__1300x731", "https://a.example/2019/eisenbahn/wide__820x461__desktop"),
    ],
)  # fmt: skip
def test_sizes_of_one_picture_have_one_key(urls: tuple[str, ...]) -> None:
    assert len({picture_key(f"https://c.example{url}" if url.startswith("/") else url) for url in urls}) == 1


@pytest.mark.parametrize(
    "urls",
    [
        ("https://a.example/abc123/image.jpg", "https://a.example/def456/image.jpg"),
        ("https://a.example/picture.php?id=12", "https://a.example/picture.php?id=13"),
        ("https://a.example/1/image.jpg", "https://a.example/2/image.jpg"),
        ("https://a.example/port-ellery/12.jpg", "https://a.example/port-ellery/13.jpg"),
        ("https://a.example/DSC-0123.jpg", "https://a.example/DSC-0124.jpg"),
        ("https://a.example/quay-1.jpg", "https://a.example/quay-2.jpg"),
    ],
)
def test_different_pictures_have_different_keys(urls: tuple[str, ...]) -> None:
    assert len(set(map(picture_key, urls))) == len(urls)


def test_a_picture_has_one_row_whatever_its_sizes() -> None:
    page = tell(
        head=meta("og:image", "https://a.example/1200x630/quay-at-noon.jpg"),
        above=figure("/quay-at-noon-300x200.jpg", "The quay at noon. Photo: Jon Vance")
        + figure("https://a.example/quay-at-noon.jpg?w=640", "The quay at noon", "Caption Close Image 1 of 5"),
    )
    assert [(image.caption, image.credit) for image in read(page).images] == [("The quay at noon.", "Jon Vance")]


def test_a_picture_keeps_its_own_texts() -> None:
    page = tell(
        head=meta("og:image", "https://a.example/harbour-plan.jpg"),
        above=figure("/harbour-plan.jpg", "The plan"),
        below="".join(
            f"<figure><figcaption>Watch video number {n} of the harbour</figcaption></figure>" for n in range(3)
        ),
    )
    assert [image.caption for image in read(page).images] == ["The plan"]
